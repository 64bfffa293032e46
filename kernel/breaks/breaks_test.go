//go:build linux && amd64

package breaks

import (
	"debug/elf"
	"debug/gosym"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Each function of this program, the assembly with vector instructions included, is decoded to its end, and every jump in it leads to an
// instruction.
func TestDecode(t *testing.T) {
	exe, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	if exe.Type != elf.ET_EXEC {
		t.Skip("the program's addresses are not those of its file")
	}
	lines, err := exe.Section(".gopclntab").Data() // also of a program without symbols
	if err != nil {
		t.Fatal(err)
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(lines, exe.Section(".text").Addr))
	if err != nil {
		t.Fatal(err)
	}
	functions, jumps, unknown := 0, 0, 0
	for _, s := range table.Funcs {
		functions++
		entry, end := uintptr(s.Entry), uintptr(s.End)
		list := decode(entry, end)
		if list == nil {
			unknown++
			continue
		}
		if last := list[len(list)-1]; last.end != end {
			t.Errorf("%s: the last instruction ends %d bytes from the function's end", s.Name, int(end)-int(last.end))
		}
		for _, x := range list {
			if x.jump && entry <= x.to && x.to < end {
				if jumps++; find(list, x.to) < 0 {
					t.Errorf("%s+%#x: a jump into an instruction", s.Name, x.pc-entry)
				}
			}
		}
	}
	t.Logf("%d functions, %d jumps, %d functions with an unknown instruction", functions, jumps, unknown)
	if functions < 1000 || unknown > functions/100 {
		t.Errorf("%d of %d functions have an instruction that is not known", unknown, functions)
	}
}

func TestVEXLength(t *testing.T) {
	for name, code := range map[string][]byte{
		"VZEROUPPER":                      {0xc5, 0xf8, 0x77},
		"VMOVDQU (SI), Y0":                {0xc5, 0xfe, 0x6f, 0x06},
		"VMOVDQU 32(SI)(CX*1), Y1":        {0xc5, 0xfe, 0x6f, 0x4c, 0x0e, 0x20},
		"VPCMPEQB (RIP+4), Y1, Y2":        {0xc5, 0xf5, 0x74, 0x15, 4, 0, 0, 0},
		"VPBROADCASTB X0, Y1":             {0xc4, 0xe2, 0x7d, 0x78, 0xc8},
		"VPALIGNR $8, Y1, Y2, Y3":         {0xc4, 0xe3, 0x6d, 0x0f, 0xd9, 8},
		"VPSRLDQ $8, X1, X2":              {0xc5, 0xe9, 0x73, 0xd9, 8},
		"VMOVDQU 0x100(R12), Y0":          {0xc4, 0xc1, 0x7e, 0x6f, 0x84, 0x24, 0, 1, 0, 0},
		"VMOVDQU 0x100(CX*4), Y0 no base": {0xc5, 0xfe, 0x6f, 0x04, 0x8d, 0, 1, 0, 0},
	} {
		if n := vexLength(append(code, 0x90, 0x90, 0x90, 0x90)); n != len(code) {
			t.Errorf("%s: %d bytes, want %d", name, n, len(code))
		}
	}
	if n := vexLength([]byte{0x90, 0x90, 0x90, 0x90, 0x90, 0x90}); n != 0 {
		t.Errorf("NOP has a VEX prefix of %d bytes", n)
	}
}

// Dominators and loops of random graphs are what their definitions say.
func TestDominators(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "blocks")
		g := &graph{starts: make([]int, n), succ: make([][]int, n), pred: make([][]int, n)}
		for range rapid.IntRange(0, 3*n).Draw(t, "edges") {
			a, b := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
			if !slices.Contains(g.succ[a], b) {
				g.succ[a], g.pred[b] = append(g.succ[a], b), append(g.pred[b], a)
			}
		}
		g.dominators()
		all := reached(g, -1)
		for a := range n {
			without := reached(g, a)
			for b := range n {
				if want := all[b] && (a == b || !without[b]); g.dominates(a, b) != want {
					t.Fatalf("block %d dominates %d: %v\n%v", a, b, !want, g.succ)
				}
			}
		}
	})
}

// reached returns the blocks to which the first leads by ways that avoid one.
func reached(g *graph, avoid int) map[int]bool {
	seen := map[int]bool{}
	todo := []int{0}
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if b != avoid && !seen[b] {
			seen[b] = true
			todo = append(todo, g.succ[b]...)
		}
	}
	return seen
}
