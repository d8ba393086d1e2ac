//go:build tools

// The programs that the tests run beside the door; `go.mod` and `go.sum` pin them.
package tools

import (
	_ "github.com/letsencrypt/pebble/v2/cmd/pebble"
	_ "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"
)
