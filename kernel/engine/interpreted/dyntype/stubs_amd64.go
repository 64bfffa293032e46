package dyntype

const stubBytes = 16
