// Command gen writes every dashboard in every language into json/LANGUAGE/NAME.json, takes away what is no dashboard any more, writes the alert
// rules, and lists all for kustomize, which takes files by name only.
package main

import (
	"fmt"
	"os"

	"parcours/dashboards"
	"parcours/dashboards/words"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if err := dashboards.Write("json"); err != nil {
		return err
	}
	rules, err := dashboards.AlertRules()
	if err != nil {
		return err
	}
	if err := os.WriteFile("provisioning/alerting/comex.yaml", rules, 0o644); err != nil {
		return err
	}
	return os.WriteFile("kustomization.yaml", []byte(kustomization()), 0o644)
}

const head = `# ConfigMaps of what Grafana is provisioned with. deploy/k8s/base has this directory among its resources: kustomize lets no
# kustomization read files outside its own directory. Their names get a hash, so a changed dashboard restarts Grafana.
# Written by go generate ./dashboards.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
configMapGenerator:
  - name: parcours-grafana-provisioning
    files:
      - provisioning/datasources/clickhouse.yaml
      - provisioning/dashboards/parcours.yaml
      - provisioning/alerting/comex.yaml
`

const labels = "    options: {labels: {app.kubernetes.io/name: grafana}}\n"

func kustomization() string {
	text := head + labels
	for _, l := range words.Languages() {
		text += fmt.Sprintf("  - name: parcours-dashboards-%s\n    files:\n", l)
		for _, d := range dashboards.All() {
			text += fmt.Sprintf("      - json/%s/%s.json\n", l, d.Name)
		}
		text += labels
	}
	return text
}
