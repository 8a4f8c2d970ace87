#!/bin/sh
# Ask the exchange with curl and openssl (3.0 or later); the receipt is checked with verify.py.
#
#   client.sh BASE_URL KEY.pem KEY_ID VKEY REQUEST.json VERIFY.py
#
# BASE_URL  where the exchange is; with /test at its end the test zone
# KEY.pem   your system's Ed25519 key (PKCS #8); KEY_ID its id, as the exchange told it
# VKEY      the log's public key, got from a place that the operator does not control
# VERIFY.py audit/verify.py of this project: one file, Python and `cryptography` suffice
set -eu
base_url=$1 key=$2 key_id=$3 vkey=$4 request=$5 verify=$6

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rest=${base_url#*://}
authority=${rest%%/*}
path=${rest#"$authority"}/graphql

digest="sha-256=:$(openssl dgst -sha256 -binary "$request" | openssl base64 -A):"
created=$(date +%s)
nonce=$(openssl rand -hex 16)
params='("@method" "@authority" "@path" "@query" "content-type" "content-digest")'
params="$params;created=$created;expires=$((created + 60));nonce=\"$nonce\";keyid=\"$key_id\";tag=\"exchange/1\""

# RFC 9421, 2.5: no line break at the end.
printf '"@method": POST\n"@authority": %s\n"@path": %s\n"@query": ?\n"content-type": application/json\n"content-digest": %s\n"@signature-params": %s' \
  "$authority" "$path" "$digest" "$params" >"$work/base"
openssl pkeyutl -sign -inkey "$key" -rawin -in "$work/base" -out "$work/signature"
signature=$(openssl base64 -A -in "$work/signature")

curl --silent --show-error --noproxy '*' --data-binary "@$request" --output "$work/answer.json" \
  --header 'content-type: application/json' \
  --header 'accept: application/graphql-response+json' \
  --header "content-digest: $digest" \
  --header "signature-input: sig=$params" \
  --header "signature: sig=:$signature:" \
  "$base_url/graphql"

cat "$work/answer.json"
echo
"${PYTHON:-python3}" "$verify" "$work/answer.json" --answer "$work/answer.json" --request "$request" --vkey "$vkey" >&2
