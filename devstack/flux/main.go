// Judges objects as Flux and Helm 4 do: by kstatus, and by the expressions of a Kustomization's healthCheckExprs.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type request struct {
	Expressions kustomize.HealthCheckExpressions `json:"expressions"`
	Objects     []unstructured.Unstructured      `json:"objects"`
}

type answer struct {
	Kstatus     string `json:"kstatus"`
	Expressions string `json:"expressions"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	evaluator, err := cel.NewStatusEvaluator(&asked.Expressions)
	if err != nil {
		return err
	}
	answers := []answer{}
	for index := range asked.Objects {
		object := &asked.Objects[index]
		computed, err := status.Compute(object)
		if err != nil {
			return err
		}
		evaluated, err := evaluator.Evaluate(context.Background(), object)
		if err != nil {
			return err
		}
		answers = append(answers, answer{computed.Status.String(), evaluated.Status.String()})
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}
