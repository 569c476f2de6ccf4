// Package deploy reads what Parcours is deployed with as Kubernetes and Compose read it, so that tests can hold it against the
// binaries: deploy/k8s, rendered by kustomize and decoded against the types of the Kubernetes API, and deploy/compose.yaml.
// Nothing but tests uses it.
package deploy

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Objects renders the kustomization in a directory as `kubectl kustomize` does, and decodes each object strictly: a kind or a
// field that the API does not have is an error that names it, as is a field given twice.
func Objects(dir string) ([]runtime.Object, error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	objects := make([]runtime.Object, 0, rendered.Size())
	for _, resource := range rendered.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("render %s of %s: %w", resource.CurId(), dir, err)
		}
		object, err := Decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", resource.CurId(), dir, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// Decode reads one object as YAML, strictly.
func Decode(text []byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, policyv1.AddToScheme, networkingv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	return object, err
}

// Workload is what runs pods.
type Workload struct {
	Kind     string // Deployment, StatefulSet, DaemonSet, Job or CronJob
	Name     string
	Selector map[string]string // which pods it takes for its own; empty for jobs
	Pods     corev1.PodTemplateSpec
	Claims   []corev1.PersistentVolumeClaim // the volumes of a StatefulSet
	Serves   bool                           // its containers run until they are told to end
}

// Workloads are those among objects, in their order.
func Workloads(objects []runtime.Object) []Workload {
	var all []Workload
	for _, object := range objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			all = append(all, Workload{"Deployment", o.Name, o.Spec.Selector.MatchLabels, o.Spec.Template, nil, true})
		case *appsv1.StatefulSet:
			all = append(all, Workload{"StatefulSet", o.Name, o.Spec.Selector.MatchLabels, o.Spec.Template, o.Spec.VolumeClaimTemplates, true})
		case *appsv1.DaemonSet:
			all = append(all, Workload{"DaemonSet", o.Name, o.Spec.Selector.MatchLabels, o.Spec.Template, nil, true})
		case *batchv1.Job:
			all = append(all, Workload{"Job", o.Name, nil, o.Spec.Template, nil, false})
		case *batchv1.CronJob:
			all = append(all, Workload{"CronJob", o.Name, nil, o.Spec.JobTemplate.Spec.Template, nil, false})
		}
	}
	return all
}

// container is the one container of a workload; nil where there is no such workload.
func container(objects []runtime.Object, workload string) *corev1.Container {
	for _, w := range Workloads(objects) {
		if w.Name == workload && len(w.Pods.Spec.Containers) == 1 {
			return &w.Pods.Spec.Containers[0]
		}
	}
	return nil
}

// Ports are the ports of a workload's container: name -> number.
func Ports(objects []runtime.Object, workload string) map[string]string {
	ports := map[string]string{}
	if c := container(objects, workload); c != nil {
		for _, p := range c.Ports {
			ports[p.Name] = strconv.Itoa(int(p.ContainerPort))
		}
	}
	return ports
}

// Probes are the paths by which a workload's container is asked how it is.
func Probes(objects []runtime.Object, workload string) []string {
	var paths []string
	if c := container(objects, workload); c != nil {
		for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if p != nil && p.HTTPGet != nil {
				paths = append(paths, p.HTTPGet.Path)
			}
		}
	}
	return paths
}

// Grace is how long a workload's pods may take to stop before they are killed; 0 where that is not said.
func Grace(objects []runtime.Object, workload string) time.Duration {
	for _, w := range Workloads(objects) {
		if s := w.Pods.Spec.TerminationGracePeriodSeconds; w.Name == workload && s != nil {
			return time.Duration(*s) * time.Second
		}
	}
	return 0
}
