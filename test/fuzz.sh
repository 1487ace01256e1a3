#!/usr/bin/env bash
# Runs every fuzz target of the repository for some seconds each (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-5}"
# Before Go 1.27 a run may be called failed when its time ends (golang/go#75804):
# then no failing input was written, and this is the only word.
only_late() {
  grep -q '^ *context deadline exceeded$' build/fuzz.log && ! grep -qE 'Failing input|panic:|_test\.go:[0-9]+' build/fuzz.log
}
count=0
while IFS=: read -r file name; do
  dir="./$(dirname "$file")"
  echo "fuzz ${dir#./} ${name}"
  go test "$dir" -run='^$' -fuzz="^${name}\$" -fuzztime="${seconds}s" -fuzzminimizetime=10x -parallel=2 >build/fuzz.log 2>&1 || only_late || { cat build/fuzz.log; exit 1; }
  count=$((count + 1))
done < <(mkdir -p build; grep -rnoE --include='*_test.go' 'func Fuzz[A-Za-z0-9_]+' app blocks cmd country kernel test web 2>/dev/null | sed -E 's/^([^:]+):[0-9]+:func (Fuzz.*)$/\1:\2/')
echo "${count} fuzz targets ran ${seconds} s each and found nothing"
