# Reads what servers sign with, where the release has access control. Read by the other scripts.
credentials=/config/credentials

# The content of a key of the Secret, if it consists of letters, digits and the marks that mean nothing in any file that it goes
# into.
read_credential() {
  content="$(cat "$credentials/$1" 2>/dev/null || true)"
  case "$content" in
    '' | *[!A-Za-z0-9$2]*) content='' ;;
  esac
  if [ -z "$content" ] || [ "${#content}" -gt 64 ]; then
    echo "accessControl.secretName: the Secret's key $1 is missing or no text of at most 64 letters, digits and $2" >&2
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
  access_key="$(read_credential accessKey '._-')"
  secret_key="$(read_credential secretKey '!#$%&*+,./:;=?@^_~-')"
  signs=yes
fi

# The credentials as the product has them in its configuration.
credentials_as_json() {
  printf '{"accessKey":"%s","secretKey":"%s"}' "$access_key" "$secret_key"
}

# The accounts of the Secret with the administrator among them, for brokers that read such a file. The administrator is put before
# the first of them as the others are written, since a shell cannot read YAML.
accounts_with_administrator() {
  accounts="$credentials/plain_acl.yml"
  if [ "${#access_key}" -lt 7 ] || [ "${#secret_key}" -lt 7 ]; then
    echo 'accessControl.secretName: this broker takes no accessKey and no secretKey of fewer than 7 characters' >&2
    return 1
  fi
  indentation='  .'
  if [ -f "$accounts" ]; then
    first="$(sed -n '/^accounts: *$/,$ { /^accounts: *$/d; /^ *#/d; /^ *$/d; p; q; }' "$accounts")"
    indentation="$(printf '%s\n' "$first" | sed -n 's/^\( *\)- .*$/\1./p')"
    if [ -z "$indentation" ] || [ "$(grep -c '^accounts:' "$accounts")" != 1 ]; then
      echo 'accessControl.secretName: plain_acl.yml has no line `accounts:` with the accounts in lines below it' >&2
      return 1
    fi
  fi
  indentation="${indentation%.}"
  administrator="$(
    printf '%s- accessKey: "%s"\n' "$indentation" "$access_key"
    printf '%s  secretKey: "%s"\n%s  admin: true\n' "$indentation" "$secret_key" "$indentation"
  )"
  if [ ! -f "$accounts" ]; then
    printf 'accounts:\n%s\n' "$administrator"
    return
  fi
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%s\n' "$line"
    case "$line" in
      accounts:*) printf '%s\n' "$administrator" ;;
    esac
  done <"$accounts"
}
