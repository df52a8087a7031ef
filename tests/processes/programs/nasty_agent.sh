#!/usr/bin/env bash
# An agent that does not want to end: nasty_agent.sh MARK [hidden] [spawner]
# Every process it leaves has `sleep N.MARK` in its command line, also those without our environment.
# hidden: also one that keeps neither environment nor descriptors; only its ancestry gives it away.
# spawner: also one that starts new sessions without end.
M=$1
trap '' TERM INT HUP
setsid sleep 1000.$M &
( ( setsid bash -c 'trap "" TERM INT HUP; sleep 1001.'$M' & sleep 1002.'$M'; wait' & ) & )
env -i setsid sleep 1003.$M &
( env -i setsid bash -c 'exec 198>&-; sleep 1004.'$M' & (sleep 1005.'$M' &) ; sleep 1006.'$M &)
case " $* " in *" hidden "*)
  env -i setsid sleep 1007.$M </dev/null >/dev/null 2>&1 198>&- &
esac
case " $* " in *" spawner "*)
  ( setsid bash -c 'trap "" TERM INT HUP; while :; do setsid sleep 1008.'$M' & sleep 0.02; done' & )
esac
echo ready
while :; do sleep 0.05; done
