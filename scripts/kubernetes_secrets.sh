#!/usr/bin/env bash
# Prints the certificates of a folder of `semlink certs` as Secrets for deploy/kubernetes, one for each role.
# Usage: scripts/kubernetes_secrets.sh FOLDER | kubectl apply -f -
set -euo pipefail
shopt -s inherit_errexit

[[ $# -eq 1 && -f $1/ca.pem ]] || { echo "usage: $0 FOLDER, where FOLDER has the certificates of \`semlink certs\`" >&2; exit 2; }

# secret ROLE FILE...
secret() {
  local role=$1 file data
  shift
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s-certs\n  namespace: semlink\ntype: Opaque\ndata:\n' "$role"
  for file in "$@"; do
    data=$(base64 -w 0 "$file")
    printf '  %s: %s\n' "$(basename "$file")" "$data"
  done
}

# All or nothing: kubectl would apply the first Secrets of a list that ends early.
secrets=$(for role in coordinator transmitter receiver; do
  files=("$1"/ca.pem "$1/$role"*.pem "$1/$role"*.key)
  # `semlink status` and `semlink fault` run in the coordinator's pod.
  [[ $role != coordinator ]] || files+=("$1"/operator.pem "$1"/operator.key)
  secret "$role" "${files[@]}"
done)
printf '%s\n' "$secrets"
