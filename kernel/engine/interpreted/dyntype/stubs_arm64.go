package dyntype

const stubBytes = 8
