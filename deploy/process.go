package deploy

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Process is how a container starts.
type Process struct {
	Command []string // with the arguments of the program
	Env     map[string]string
	Files   map[string]string // what is mounted from Secrets and ConfigMaps: path in the container -> content
}

// Secrets gives the value of a key of a Secret: what a place has, and the repository has not.
type Secrets func(secret, key string) string

// Start is how Kubernetes starts the one container of a workload: with the variables that its own variables name filled in,
// and with the files of its mounts.
func Start(objects []runtime.Object, workload string, secrets Secrets) (Process, error) {
	for _, w := range Workloads(objects) {
		if w.Name == workload && len(w.Pods.Spec.Containers) == 1 {
			return start(objects, w.Pods.Spec, secrets)
		}
	}
	return Process{}, fmt.Errorf("no workload %s with one container", workload)
}

func start(objects []runtime.Object, pod corev1.PodSpec, secrets Secrets) (Process, error) {
	c := pod.Containers[0]
	p := Process{Env: map[string]string{}, Files: map[string]string{}}
	for _, v := range c.Env {
		switch {
		case v.ValueFrom == nil:
			p.Env[v.Name] = expand(v.Value, p.Env)
		case v.ValueFrom.SecretKeyRef != nil:
			p.Env[v.Name] = secrets(v.ValueFrom.SecretKeyRef.Name, v.ValueFrom.SecretKeyRef.Key)
		default:
			return p, fmt.Errorf("variable %s: its source is not read here", v.Name)
		}
	}
	for _, word := range slices.Concat(c.Command, c.Args) {
		p.Command = append(p.Command, expand(word, p.Env))
	}
	for _, m := range c.VolumeMounts {
		files, err := mounted(objects, pod, m.Name, secrets)
		if err != nil {
			return p, err
		}
		for name, content := range files {
			p.Files[path.Join(m.MountPath, name)] = content
		}
	}
	return p, nil
}

// variable is how Kubernetes lets one variable name another.
var variable = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

// expand fills in what is known already; what is not stays as it is, as in Kubernetes.
func expand(text string, env map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(reference string) string {
		if value, known := env[reference[2:len(reference)-1]]; known {
			return value
		}
		return reference
	})
}

// mounted are the files of a volume of a pod.
func mounted(objects []runtime.Object, pod corev1.PodSpec, volume string, secrets Secrets) (map[string]string, error) {
	at := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == volume })
	if at < 0 {
		return nil, nil // a claim of its StatefulSet
	}
	files := map[string]string{}
	switch v := pod.Volumes[at]; {
	case v.Secret != nil:
		if len(v.Secret.Items) == 0 {
			return nil, fmt.Errorf("volume %s: which keys of Secret %s it takes is not said", volume, v.Secret.SecretName)
		}
		for _, item := range v.Secret.Items {
			files[item.Path] = secrets(v.Secret.SecretName, item.Key)
		}
	case v.ConfigMap != nil:
		return chosen(objects, v.ConfigMap)
	}
	return files, nil
}

// chosen are the entries of a ConfigMap that a volume takes: those it lists, else all.
func chosen(objects []runtime.Object, source *corev1.ConfigMapVolumeSource) (map[string]string, error) {
	for _, object := range objects {
		m, ok := object.(*corev1.ConfigMap)
		if !ok || m.Name != source.Name {
			continue
		}
		if len(source.Items) == 0 {
			return m.Data, nil
		}
		files := map[string]string{}
		for _, item := range source.Items {
			content, there := m.Data[item.Key]
			if !there {
				return nil, fmt.Errorf("ConfigMap %s has no key %s", m.Name, item.Key)
			}
			files[item.Path] = content
		}
		return files, nil
	}
	return nil, fmt.Errorf("there is no ConfigMap %s", source.Name)
}

// Within writes the files of a process below a directory, and gives the process as it would start there: every path of a
// file, or of the folder of one, in its words and variables lies below the directory.
func (p Process) Within(dir string) (Process, error) {
	moved := Process{Env: maps.Clone(p.Env), Files: map[string]string{}}
	var old []string
	for name, content := range p.Files {
		target := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o700), os.WriteFile(target, []byte(content), 0o600))
		if err != nil {
			return moved, err
		}
		moved.Files[target] = content
		old = append(old, name)
	}
	slices.Sort(old)
	move := func(text string) string {
		for _, name := range old {
			text = strings.ReplaceAll(text, name, filepath.Join(dir, name))
		}
		return text
	}
	for name, value := range moved.Env {
		moved.Env[name] = move(value)
	}
	for _, word := range p.Command {
		moved.Command = append(moved.Command, move(word))
	}
	return moved, nil
}
