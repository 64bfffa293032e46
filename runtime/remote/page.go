package remote

import (
	"os"
	"sync/atomic"
	"unsafe"
)

// A page is memory that a program and a worker share: the program writes there which number the worker has, and
// the worker which call it has begun, so that the program knows it when the worker has died.
type page struct{ mem []byte }

const pageSize = 4096

// newPage returns a page and the file by which a worker finds it.
func newPage() (*page, *os.File, error) {
	f, err := sharedFile(pageSize)
	if err != nil {
		return nil, nil, err
	}
	p, err := mapPage(f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return p, f, nil
}

func mapPage(f *os.File) (*page, error) {
	mem, err := mapShared(f, pageSize)
	if err != nil {
		return nil, err
	}
	return &page{mem}, nil
}

func (p *page) word() *uint64 { return (*uint64)(unsafe.Pointer(unsafe.SliceData(p.mem))) }

// numberAt is where the number of the worker is.
const numberAt = 512

// number is that of the worker.
func (p *page) number() *uint32 { return (*uint32)(unsafe.Pointer(&p.mem[numberAt])) }

// budgetAt is where the memory that the worker may take is, in bytes; 0: there is no bound.
const budgetAt = numberAt + 8

func (p *page) budget() int64 { return atomic.LoadInt64((*int64)(unsafe.Pointer(&p.mem[budgetAt]))) }

func (p *page) setBudget(bytes int64) {
	atomic.StoreInt64((*int64)(unsafe.Pointer(&p.mem[budgetAt])), bytes)
}

// begin records that a call has begun.
func (p *page) begin(id uint64) { atomic.StoreUint64(p.word(), id) }

// begun returns the last call that has begun.
func (p *page) begun() uint64 { return atomic.LoadUint64(p.word()) }

func (p *page) close() { unmapShared(p.mem) }
