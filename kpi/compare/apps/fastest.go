// The least that a Go server can do: net/http, one answer from memory, with the headers that all candidates send.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

func main() {
	body, err := os.ReadFile(os.Getenv("CODED"))
	if err != nil {
		log.Fatal(err)
	}
	var headers [][2]string
	if err := json.Unmarshal([]byte(os.Getenv("HEADERS")), &headers); err != nil {
		log.Fatal(err)
	}
	answer := func(w http.ResponseWriter, _ *http.Request) {
		for _, pair := range headers {
			w.Header().Set(pair[0], pair[1])
		}
		w.Write(body)
	}
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(answer)))
}
