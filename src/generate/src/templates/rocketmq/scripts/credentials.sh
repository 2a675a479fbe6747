# Reads what servers sign with, where the release has access control. Read by the other scripts.
credentials=/config/credentials

# The content of a key of the Secret, if it consists of letters, digits and the marks that mean nothing in any file that it goes
# into.
read_credential() {
  content="$(cat "$credentials/$1" 2>/dev/null || true)"
  case "$content" in
    '' | *[!A-Za-z0-9$2]*) content='' ;;
  esac
  if [ -z "$content" ] || [ "${#content}" -gt << longestCredential >> ]; then
    echo "accessControl.secretName: the Secret's key $1 is missing or no text of at most << longestCredential >> letters, digits and $2" >&2
    return 1
  fi
  printf '%s' "$content"
}

signs=no
if [ -d "$credentials" ]; then
  for tool in bash sha1sum base64; do
    if ! command -v "$tool" >/dev/null; then
      echo "this image has no $tool, without which nothing can be signed when a broker is to be drained" >&2
      exit 1
    fi
  done
  access_key="$(read_credential << accessKey >> '<< accessKeyMarks >>')"
  secret_key="$(read_credential << secretKey >> '<< secretKeyMarks >>')"
  signs=yes
fi

# The credentials as the product has them in its configuration.
credentials_as_json() {
  printf '{"accessKey":"%s","secretKey":"%s"}' "$access_key" "$secret_key"
}
