package dashboards

import "fmt"

// Ends of the 95 % interval of a share of sums, x out of n, by Wilson (1927): the formula of the views, for sums that a viewer puts
// together by choosing. TestIntervalsAreThoseOfTheViews holds the two against each other. Out of nothing it is NULL.
func wilson(x, n string) (low, high string) {
	const z, zz = 1.959963984540054, 3.841458820694077
	end := func(sign, edge, at string) string {
		p := x + " / " + n
		half := fmt.Sprintf("%v * sqrt(%[2]s * (1 - %[2]s) / %[3]s + %[4]v / %[3]s / %[3]s)", z, p, n, zz/4)
		return fmt.Sprintf("multiIf(%[1]s = 0, NULL, %[2]s = %[3]s, %[4]s, (%[5]s + %[6]v / %[1]s %[7]s %[8]s) / (1 + %[9]v / %[1]s))", n, x, edge, at, p, zz/2, sign, half, zz)
	}
	return end("-", "0", "0"), end("+", n, "1")
}

// shareInWords is x out of n in words: 61 % (58 to 64), to the whole per cent; empty out of nothing. The name of the language's word for to
// is steps.to.
func (b *board) shareInWords(x, n string) string {
	low, high := wilson(x, n)
	whole := func(of string) string { return "toString(toInt32(round(100 * (" + of + "))))" }
	return fmt.Sprintf("if(%s = 0, '', concat(%s, ' %% (', %s, ' %s ', %s, ')'))", n, whole(x+" / nullIf("+n+", 0)"), whole(low), b.say("steps.to"), whole(high))
}
