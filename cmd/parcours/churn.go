package main

// ChurnCommand is about who is leaving.
type ChurnCommand struct {
	Train    ChurnTrainCommand    `cmd:"" help:"Learn from what is settled who leaves, say how good that is, and publish the model to the log."`
	Evaluate ChurnEvaluateCommand `cmd:"" help:"Judge a model that knows nothing of the last 12 months by what came in them; with a truth, against the best possible."`
	Explain  ChurnExplainCommand  `cmd:"" help:"Tell one customer: score, interval, reasons, signals, value at risk, and what counted when; or list whom to call."`
	Fit      ChurnFitCommand      `cmd:"" help:"Fit how often customers come back and when they leave (BG/NBD), and what they spend, to a table of purchases."`
}
