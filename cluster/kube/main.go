// Every component of a Kubernetes in one program; the first argument says which one to be.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = map[string]func() *cobra.Command{
	"etcd":                    etcd,
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubectl":                 func() *cobra.Command { return cmd.NewDefaultKubectlCommand() },
	// Its own Run makes the context that signals end; the one given here is for the version flag alone.
	"kubelet": func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

func main() {
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: kube COMPONENT ARGUMENTS...")
		os.Exit(2)
	}
	component := os.Args[1]
	os.Args = os.Args[1:]
	os.Exit(cli.Run(components[component]()))
}

// etcd is one member without TLS that doesn't sync to disk: the cluster is thrown away with its machine.
func etcd() *cobra.Command {
	return &cobra.Command{
		Use:  "etcd DIRECTORY CLIENTS PEERS",
		Args: cobra.ExactArgs(3),
		RunE: func(_ *cobra.Command, arguments []string) error {
			config := embed.NewConfig()
			config.Dir, config.LogLevel, config.UnsafeNoFsync = arguments[0], "error", true
			clients, peers := url.URL{Scheme: "http", Host: arguments[1]}, url.URL{Scheme: "http", Host: arguments[2]}
			config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{clients}, []url.URL{clients}
			config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
			config.InitialCluster = config.InitialClusterFromName(config.Name)
			server, err := embed.StartEtcd(config)
			if err != nil {
				return err
			}
			return <-server.Err()
		},
	}
}
