// The Pulumi Kubernetes provider. Its releases embed a generated schema, which only code generators ask for.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// version is set when it is built: the one of the installed SDK, which the engine asks for.
var version string

func main() { provider.Serve("kubernetes", version, []byte("{}"), []byte("{}")) }
