package lower

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"strconv"
	"strings"
)

// constant writes a constant as a value of the view of a type.
func (f *fn) constant(v constant.Value, t types.Type, at ast.Node) string {
	t = types.Default(t)
	b, ok := f.l.view(t).Underlying().(*types.Basic)
	if !ok {
		refuse(at, "a constant of type %s", t)
	}
	s := ""
	switch {
	case b.Info()&types.IsBoolean != 0:
		return strconv.FormatBool(constant.BoolVal(v))
	case b.Info()&types.IsString != 0:
		if v.Kind() == constant.Int { // string(65)
			refuse(at, "this constant")
		}
		return strconv.Quote(constant.StringVal(v))
	case b.Info()&types.IsInteger != 0:
		i := constant.ToInt(v)
		if n, exact := constant.Int64Val(i); exact && n != -1<<63 {
			s = strconv.FormatInt(n, 10)
		} else if b.Info()&types.IsUnsigned != 0 {
			n, _ := constant.Uint64Val(i)
			s = fmt.Sprintf("%s(%d)<<1 + %d", b.Name(), n>>1, n&1)
			return f.kept(b.Name(), s)
		} else {
			return f.kept(b.Name(), b.Name()+"(-9223372036854775807) - 1")
		}
		if b.Kind() == types.Int {
			return s
		}
	case b.Info()&types.IsFloat != 0:
		x, _ := constant.Float64Val(constant.ToFloat(v))
		if b.Kind() == types.Float32 {
			y, _ := constant.Float32Val(constant.ToFloat(v))
			x = float64(y)
		}
		s = strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		if b.Kind() == types.Float64 && x >= 0 {
			return s
		}
	case b.Info()&types.IsComplex != 0:
		c := constant.ToComplex(v)
		part := types.Typ[types.Float64]
		if b.Kind() == types.Complex64 {
			part = types.Typ[types.Float32]
		}
		o := f.l.op(Op{Kind: OpArith, Text: "complex", Types: []types.Type{part, types.Typ[b.Kind()]}})
		return f.storedAs(fmt.Sprintf("op.%s(%s, %s)", o, f.constant(constant.Real(c), part, at), f.constant(constant.Imag(c), part, at)), b.Name())
	default:
		refuse(at, "this constant")
	}
	return b.Name() + "(" + s + ")"
}

// kept computes a value in steps that the interpreter does not fold.
func (f *fn) kept(typ, text string) string {
	t := f.temp(typ)
	first, rest, _ := strings.Cut(text, ")")
	f.line("%s = %s)", t, first)
	f.line("%s = %s%s", t, t, rest)
	return t
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}
