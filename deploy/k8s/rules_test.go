package k8s

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"parcours/deploy"
)

// rules are what every deployment keeps. Each says what breaks it, one line each.
var rules = map[string]func([]runtime.Object) []string{
	"labels": labels, "secrets": secretsByName, "config maps": configMaps, "services": services, "replicas": replicas,
	"pods": perPod(podSecurity), "selectors": selectors, "mounts": perPod(mounts),
	"images": perContainer(image), "security": perContainer(containerSecurity), "resources": perContainer(resources),
	"probes": perContainer(probes), "secret variables": perContainer(secretVariables),
}

// faults are what breaks a rule.
func faults(objects []runtime.Object) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		for _, fault := range rules[name](objects) {
			all = append(all, name+": "+fault)
		}
	}
	return all
}

func perPod(rule func(deploy.Workload) []string) func([]runtime.Object) []string {
	return func(objects []runtime.Object) []string {
		var all []string
		for _, w := range deploy.Workloads(objects) {
			for _, fault := range rule(w) {
				all = append(all, w.Name+": "+fault)
			}
		}
		return all
	}
}

func perContainer(rule func(deploy.Workload, corev1.Container) []string) func([]runtime.Object) []string {
	return perPod(func(w deploy.Workload) []string {
		var all []string
		for _, c := range slices.Concat(w.Pods.Spec.InitContainers, w.Pods.Spec.Containers) {
			for _, fault := range rule(w, c) {
				all = append(all, c.Name+": "+fault)
			}
		}
		return all
	})
}

// said turns conditions into faults: what must not be, and its name.
func said(faults map[string]bool) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		if faults[name] {
			all = append(all, name)
		}
	}
	return all
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

func podSecurity(w deploy.Workload) []string {
	spec, sc := w.Pods.Spec, w.Pods.Spec.SecurityContext
	if sc == nil {
		return []string{"no security context"}
	}
	return said(map[string]bool{
		"the token of a service account is mounted": !is(spec.AutomountServiceAccountToken, false),
		"variables of services are given":           !is(spec.EnableServiceLinks, false),
		"may run as root":                           !is(sc.RunAsNonRoot, true),
		"its user is not a number above 0":          sc.RunAsUser == nil || *sc.RunAsUser <= 0,
		"its group is not a number above 0":         sc.RunAsGroup == nil || *sc.RunAsGroup <= 0,
		"no seccomp profile RuntimeDefault":         sc.SeccompProfile == nil || sc.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault,
		"shares something with the host":            spec.HostNetwork || spec.HostPID || spec.HostIPC,
	})
}

func containerSecurity(_ deploy.Workload, c corev1.Container) []string {
	sc := c.SecurityContext
	if sc == nil || sc.Capabilities == nil {
		return []string{"no security context with capabilities"}
	}
	return said(map[string]bool{
		"its root file system can be written": !is(sc.ReadOnlyRootFilesystem, true),
		"may gain privileges":                 !is(sc.AllowPrivilegeEscalation, false) || is(sc.Privileged, true),
		"keeps capabilities":                  !slices.Equal(sc.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(sc.Capabilities.Add) > 0,
		"may run as root":                     sc.RunAsUser != nil && *sc.RunAsUser == 0 || is(sc.RunAsNonRoot, false),
	})
}

func resources(_ deploy.Workload, c corev1.Container) []string {
	var all []string
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
		if request.Sign() <= 0 || limit.Cmp(request) < 0 {
			all = append(all, fmt.Sprintf("%s: requests %s of at most %s", name, &request, &limit))
		}
	}
	return all
}

// pinned is a tag that says a version, or that the image is built here.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:(local|v?\d+\.\d+\.\d+[a-z0-9.-]*)$`)

func image(_ deploy.Workload, c corev1.Container) []string {
	return said(map[string]bool{"image " + c.Image + " has no exact version": !pinned.MatchString(c.Image)})
}

func probes(w deploy.Workload, c corev1.Container) []string {
	if !w.Serves || !slices.ContainsFunc(w.Pods.Spec.Containers, func(o corev1.Container) bool { return o.Name == c.Name }) {
		return nil
	}
	var all []string
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		switch {
		case probe == nil || probe.HTTPGet == nil:
			all = append(all, "no "+name+" probe by HTTP")
		case !strings.HasPrefix(probe.HTTPGet.Path, "/"):
			all = append(all, name+" probe: its path does not begin with /")
		case !hasPort(c, probe.HTTPGet.Port):
			all = append(all, fmt.Sprintf("%s probe: there is no port named %s", name, &probe.HTTPGet.Port))
		}
	}
	slices.Sort(all)
	return all
}

// hasPort: ports are named, so that one number stands in one place.
func hasPort(c corev1.Container, port intstr.IntOrString) bool {
	return port.Type == intstr.String && slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal })
}

// secretName is what a variable with a secret is called.
var secretName = regexp.MustCompile(`(?i)(password|secret|token|credential|_key$|public_key)`)

// reference is a value that is made of other variables only, and one that is a path.
var reference = regexp.MustCompile(`^"?\$\([A-Z_]+\)"?$|^/`)

func secretVariables(_ deploy.Workload, c corev1.Container) []string {
	var all []string
	for _, v := range c.Env {
		ref := v.ValueFrom
		switch {
		case ref == nil && secretName.MatchString(v.Name) && !reference.MatchString(v.Value):
			all = append(all, v.Name+" holds a value")
		case ref == nil && regexp.MustCompile(`://[^/@]*:[^$@][^@]*@`).MatchString(v.Value):
			all = append(all, v.Name+" holds a password")
		case ref != nil && ref.SecretKeyRef != nil && (ref.SecretKeyRef.Name == "" || ref.SecretKeyRef.Key == "" || is(ref.SecretKeyRef.Optional, true)):
			all = append(all, v.Name+": a Secret without name or key, or one that may be missing")
		}
	}
	return all
}

// secretsByName: the repository holds no Secret.
func secretsByName(objects []runtime.Object) []string {
	var all []string
	for _, object := range objects {
		if s, ok := object.(*corev1.Secret); ok {
			all = append(all, fmt.Sprintf("Secret %s with %d values", s.Name, len(s.Data)+len(s.StringData)))
		}
	}
	return all
}

func mounts(w deploy.Workload) []string {
	volumes := map[string]bool{}
	for _, v := range w.Pods.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, claim := range w.Claims {
		volumes[claim.Name] = true
	}
	var all []string
	for _, c := range slices.Concat(w.Pods.Spec.InitContainers, w.Pods.Spec.Containers) {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				all = append(all, "there is no volume "+m.Name)
			}
		}
	}
	return all
}

// mostConfigMap is the most that a ConfigMap may hold, a little below the 1 MiB at which the server refuses it.
const mostConfigMap = 1_000_000

func configMaps(objects []runtime.Object) []string {
	var all []string
	known := map[string]map[string]string{}
	for _, object := range objects {
		m, ok := object.(*corev1.ConfigMap)
		if !ok {
			continue
		}
		known[m.Name] = m.Data
		size := 0
		for _, text := range m.Data {
			size += len(text)
		}
		if size > mostConfigMap {
			all = append(all, fmt.Sprintf("%s holds %d bytes", m.Name, size))
		}
	}
	for _, w := range deploy.Workloads(objects) {
		for _, v := range w.Pods.Spec.Volumes {
			if v.ConfigMap != nil {
				all = append(all, missing(known, v.ConfigMap)...)
			}
		}
	}
	return all
}

func missing(known map[string]map[string]string, source *corev1.ConfigMapVolumeSource) []string {
	data, there := known[source.Name]
	if !there {
		return []string{"there is no ConfigMap " + source.Name}
	}
	var all []string
	for _, item := range source.Items {
		if _, there := data[item.Key]; !there {
			all = append(all, source.Name+" has no key "+item.Key)
		}
	}
	return all
}

func selectors(objects []runtime.Object) []string {
	var all []string
	for _, w := range deploy.Workloads(objects) {
		if w.Serves && !matches(w.Selector, w.Pods.Labels) {
			all = append(all, w.Name+" does not select its own pods")
		}
	}
	return all
}

func matches(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

func services(objects []runtime.Object) []string {
	var all []string
	workloads, names := deploy.Workloads(objects), map[string]bool{}
	for _, object := range objects {
		s, ok := object.(*corev1.Service)
		if !ok {
			continue
		}
		names[s.Name] = true
		behind := slices.DeleteFunc(slices.Clone(workloads), func(w deploy.Workload) bool { return !matches(s.Spec.Selector, w.Pods.Labels) })
		if len(behind) != 1 {
			all = append(all, fmt.Sprintf("%s selects the pods of %d workloads", s.Name, len(behind)))
			continue
		}
		for _, p := range s.Spec.Ports {
			if !slices.ContainsFunc(behind[0].Pods.Spec.Containers, func(c corev1.Container) bool { return hasPort(c, p.TargetPort) }) {
				all = append(all, fmt.Sprintf("%s: no container has a port named %s", s.Name, &p.TargetPort))
			}
		}
	}
	for _, object := range objects {
		if s, ok := object.(*appsv1.StatefulSet); ok && !names[s.Spec.ServiceName] {
			all = append(all, s.Name+": there is no Service "+s.Spec.ServiceName)
		}
	}
	return all
}

// replicas: one of each, and no Deployment has two pods at once, not even for a moment.
func replicas(objects []runtime.Object) []string {
	var all []string
	for _, object := range objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			if !is(o.Spec.Replicas, 1) || o.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
				all = append(all, o.Name+" may run twice at once")
			}
		case *appsv1.StatefulSet:
			if !is(o.Spec.Replicas, 1) {
				all = append(all, o.Name+" is not one")
			}
		}
	}
	return all
}

func labels(objects []runtime.Object) []string {
	var all []string
	named := func(what string, labels map[string]string) {
		if labels["app.kubernetes.io/name"] == "" || labels["app.kubernetes.io/part-of"] != "parcours" {
			all = append(all, what+" lacks app.kubernetes.io/name or part-of")
		}
	}
	for _, object := range objects {
		m, err := meta.Accessor(object)
		if err != nil {
			return []string{err.Error()}
		}
		what := fmt.Sprintf("%s %s", object.GetObjectKind().GroupVersionKind().Kind, m.GetName())
		named(what, m.GetLabels())
		if _, space := object.(*corev1.Namespace); !space && m.GetNamespace() != "parcours" {
			all = append(all, what+" is in no namespace")
		}
	}
	for _, w := range deploy.Workloads(objects) {
		named("a pod of "+w.Name, w.Pods.Labels)
	}
	return all
}
