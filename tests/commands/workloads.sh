# Every workload on every candidate in smoke mode: no row but ok or n/a.
. "$SOURCE/tests/commands/expect.sh"
all=reference,bitmap,buddy,jemalloc,jemalloc-notcache,percpu+reference,percpu+bitmap,percpu+buddy,percpu+jemalloc

case $WORKLOAD in
  replay)
    trace=$SOURCE/corpora/traces/nginx.pltrace
    for how in "" --parallel "--admission exact"; do
      # shellcheck disable=SC2086 # words on purpose
      expect 0 '' "$PAGELAB" bench --backend "$all" --smoke --rounds 1 --format csv --workload "replay:$trace" $how
      # jemalloc's own metadata is an eighth of so small a machine.
      ! grep -E ',(failed|broken|crashed|timeout),' out | grep -v jemalloc | grep . || fail "replay $how"
    done ;;
  *)
    for order in 0 9; do
      for cpus in 1 2; do
        expect 0 '' "$PAGELAB" bench --backend "$all" --smoke --rounds 1 --memory 128MiB --format csv \
          --workload "$WORKLOAD" --order $order --cpus $cpus
        # jemalloc pads blocks of order 9, and cannot hold so many of them.
        ! grep -E ',(failed|broken|crashed|timeout),' out | grep -vE 'jemalloc.*order.?9|order.?9.*jemalloc' |
          grep . || fail "$WORKLOAD $order $cpus"
      done
    done ;;
esac
finish
