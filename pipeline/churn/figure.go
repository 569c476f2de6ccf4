package churn

import (
	"math"
	"strconv"
)

// decimal is a figure as a telling says it: sign, at most six digits, the last of which is not 0, and a power of ten.
type decimal struct {
	negative bool
	digits   uint64
	power    int
}

// decimalOf rounds to six significant digits; 0 for none at all.
func decimalOf(v float64) (d decimal) {
	const more = 5 // digits behind the first
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return d
	}
	if d, sure := quickDecimal(v); sure {
		return d
	}
	var room [32]byte
	text := strconv.AppendFloat(room[:0], v, 'e', more, 64) // -1.23456e-07
	if text[0] == '-' {
		d.negative, text = true, text[1:]
	}
	for _, c := range text[:more+2] {
		if c != '.' {
			d.digits = 10*d.digits + uint64(c-'0')
		}
	}
	for _, c := range text[more+4:] {
		d.power = 10*d.power + int(c-'0')
	}
	if text[more+3] == '-' {
		d.power = -d.power
	}
	if d.digits == 0 {
		return decimal{negative: d.negative}
	}
	d.power -= more
	return d.trimmed()
}

// quickDecimal is decimalOf of a figure of a usual size, where it is sure: a figure times a power of ten that a float holds is at most
// half of its last bit from the product, far less than doubt.
func quickDecimal(v float64) (d decimal, sure bool) {
	const doubt, least, most = 1e-6, 1e5, 1e6 // of the product: six digits before the point
	size := math.Abs(v)
	if size == 0 {
		return decimal{negative: math.Signbit(v)}, true
	}
	if !(size >= 1e-12 && size < most) {
		return d, false
	}
	power := 0
	for size*exactPowers[power] < least {
		power++
	}
	scaled := size * exactPowers[power]
	down := math.Floor(scaled)
	switch part := scaled - down; {
	case part > 0.5+doubt:
		down++
	case part > 0.5-doubt || scaled < least+doubt || scaled >= most-1:
		return d, false
	}
	return decimal{negative: v < 0, digits: uint64(down), power: -power}.trimmed(), true
}

// trimmed has no 0 as its last digit; d is not 0.
func (d decimal) trimmed() decimal {
	for ; d.digits%10 == 0; d.power++ {
		d.digits /= 10
	}
	return d
}

// exactPowers are the powers of ten that a float holds.
var exactPowers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float is the nearest one: of two that a float holds, the product or quotient is.
func (d decimal) float() (v float64) {
	const most = len(exactPowers) - 1
	switch {
	case d.power < -most || d.power > most || d.digits >= 1<<53:
		v, _ = strconv.ParseFloat(strconv.FormatUint(d.digits, 10)+"e"+strconv.Itoa(d.power), 64)
	case d.power < 0:
		v = float64(d.digits) / exactPowers[-d.power]
	default:
		v = float64(d.digits) * exactPowers[d.power]
	}
	if d.negative {
		return -v
	}
	return v
}

// append writes the figure as encoding/json writes a float of that value: so few digits are the shortest that read back.
func (d decimal) append(b []byte) []byte {
	if d.power < leastPower { // where floats lie so far apart that fewer digits will do
		return strconv.AppendFloat(b, d.float(), 'e', -1, 64)
	}
	if d.negative {
		b = append(b, '-')
	}
	var room [20]byte
	digits := strconv.AppendUint(room[:0], d.digits, 10)
	whole := len(digits) + d.power // digits before the point
	switch {
	case d.digits != 0 && (whole < -5 || whole > 21):
		return d.appendPower(b, digits, whole-1)
	case whole <= 0:
		b = append(b, "0.00000"[:2-whole]...)
		return append(b, digits...)
	case d.power < 0:
		return append(append(append(b, digits[:whole]...), '.'), digits[whole:]...)
	}
	b = append(b, digits...)
	return append(b, "000000000000000000000"[:d.power]...)
}

// leastPower is well above that of the floats that have less than six digits.
const leastPower = -300

// appendPower writes 1.5e-7, as encoding/json does.
func (d decimal) appendPower(b, digits []byte, power int) []byte {
	b = append(b, digits[0])
	if len(digits) > 1 {
		b = append(append(b, '.'), digits[1:]...)
	}
	b = append(b, 'e')
	if power >= 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(power), 10)
}

// short rounds to what a telling says of a figure; 0 for none at all.
func short(v float64) float64 { return decimalOf(v).float() }
