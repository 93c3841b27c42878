// client CASE URL: what Go's http.Client sees of the server. Exits with 1 and says why if an answer
// is not the right one, or none comes.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const book = "/addresses"
const address = `{"name":"Ada Lovelace","phone":"555-0100"}`

var base string
var client = &http.Client{
	Timeout: 20 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 4, MaxConnsPerHost: 4},
}

// expect sends a request; length -1 is for a body in chunks.
func expect(status int, method, path string, body io.Reader, length int64) (http.Header, error) {
	request, err := http.NewRequest(method, base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.ContentLength = length
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%v, expected %d", err, status)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != status {
		return nil, fmt.Errorf("%s %s: %d, expected %d: %.200s", method, path, response.StatusCode, status, text)
	}
	return response.Header, nil
}

func post(status int, body string) (http.Header, error) {
	return expect(status, "POST", book, strings.NewReader(body), int64(len(body)))
}

// repeat does work(number) `times` times, four at once.
func repeat(times int, work func(int) error) error {
	numbers := make(chan int)
	var failures []string
	var lock sync.Mutex
	var workers sync.WaitGroup
	for i := 0; i < 4; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for number := range numbers {
				if err := work(number); err != nil {
					lock.Lock()
					failures = append(failures, err.Error())
					lock.Unlock()
				}
			}
		}()
	}
	for number := 0; number < times; number++ {
		numbers <- number
	}
	close(numbers)
	workers.Wait()
	if len(failures) == 0 {
		return nil
	}
	shown := failures
	if len(shown) > 3 {
		shown = shown[:3]
	}
	return fmt.Errorf("%d of %d failed:\n%s", len(failures), times, strings.Join(shown, "\n"))
}

func mix(int) error {
	header, err := post(201, address)
	if err != nil {
		return err
	}
	one := header.Get("Location")
	steps := []struct {
		status int
		method string
		path   string
		body   string
	}{
		{200, "GET", one, ""}, {204, "PUT", one, address}, {200, "HEAD", one, ""},
		{400, "POST", book, "{"}, {204, "DELETE", one, ""}, {404, "GET", one, ""},
	}
	for _, step := range steps {
		if step.body == "" {
			_, err = expect(step.status, step.method, step.path, nil, 0)
		} else {
			_, err = expect(step.status, step.method, step.path, strings.NewReader(step.body), int64(len(step.body)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lateBody arrives after its head.
type lateBody struct{ left string }

func (body *lateBody) Read(to []byte) (int, error) {
	if body.left == "" {
		return 0, io.EOF
	}
	time.Sleep(3 * time.Millisecond)
	n := copy(to, body.left)
	body.left = body.left[n:]
	return n, nil
}

func late(number int) error {
	asked := []struct {
		status int
		method string
		path   string
	}{
		{200, "GET", book}, {200, "GET", book + "/_health"}, {200, "HEAD", book},
		{204, "OPTIONS", book}, {404, "DELETE", book + "/nobody"}, {405, "PATCH", book},
		{404, "GET", "/nowhere"}, {404, "DELETE", "/nowhere"}, {404, "POST", "/nowhere"},
	}
	each := asked[number%len(asked)]
	length := int64(5)
	if number%2 == 1 {
		length = -1
	}
	_, err := expect(each.status, each.method, each.path, &lateBody{"later"}, length)
	return err
}

// Each on a connection of its own: a proxy may end one without a word when an answer comes before
// the end of the body.
func large() error {
	body := bytes.Repeat([]byte("x"), 50*1024*1024)
	for _, length := range []int64{int64(len(body)), -1} {
		client.CloseIdleConnections()
		if _, err := expect(413, "POST", book, bytes.NewReader(body), length); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	base = os.Args[2]
	var err error
	switch os.Args[1] {
	case "mix":
		err = repeat(60, mix)
	case "late":
		err = repeat(180, late)
	case "posts":
		err = repeat(400, func(int) error { _, err := post(201, address); return err })
	case "large":
		err = large()
	default:
		err = fmt.Errorf("no such case: %s", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
