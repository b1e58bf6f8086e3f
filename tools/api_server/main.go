// A Kubernetes API server with an etcd of its own, for tests: objects are checked, admitted and kept as in a cluster,
// but there is no node and nothing runs. Arguments: a directory, and three ports of 127.0.0.1 (API, etcd, etcd's peers).
// Whoever sends the token "admin" may do everything.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	directory, port, etcdPort, peerPort := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	etcd := embed.NewConfig()
	etcd.Dir = filepath.Join(directory, "etcd")
	etcd.LogLevel = "error"
	clients, peers := address(etcdPort), address(peerPort)
	etcd.ListenClientUrls, etcd.AdvertiseClientUrls = []url.URL{clients}, []url.URL{clients}
	etcd.ListenPeerUrls, etcd.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
	etcd.InitialCluster = etcd.InitialClusterFromName(etcd.Name)
	server, err := embed.StartEtcd(etcd)
	must(err)
	<-server.Server.ReadyNotify()

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	accounts, tokens := filepath.Join(directory, "accounts.pem"), filepath.Join(directory, "tokens.csv")
	must(os.WriteFile(accounts, pem.EncodeToMemory(block), 0o600))
	must(os.WriteFile(tokens, []byte("admin,admin,admin,\"system:masters\"\n"), 0o600))

	command := app.NewAPIServerCommand()
	command.SetArgs([]string{
		"--etcd-servers=" + clients.String(),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port,
		"--cert-dir=" + filepath.Join(directory, "certificates"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://api.test",
		"--service-account-key-file=" + accounts, "--service-account-signing-key-file=" + accounts,
		"--token-auth-file=" + tokens, "--authorization-mode=RBAC",
	})
	os.Exit(cli.Run(command))
}

func address(port string) url.URL {
	return url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
