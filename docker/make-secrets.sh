#!/bin/sh
# Makes the secrets that compose.yaml reads, each in a file of docker/secrets, once. Existing files are left alone: without
# its master key nothing that was sealed can be read again. The folder is closed to others; the files in it are readable,
# because they keep their mode in the containers, where services run as users of their own.
set -eu
folder="$(dirname "$0")/secrets"
mkdir -p "$folder"
chmod 700 "$folder"

# Letters and digits only: the password stands in an address as well.
make() {
  [ -e "$folder/$1" ] || printf '%s' "$2" > "$folder/$1"
}
word() {
  openssl rand -hex 24
}
make mysql-password "$(word)"
make mysql-root-password "$(word)"
make grafana-password "$(word)"
make master-key "$(openssl rand -base64 32)"
make database-url "mysql://tributary:$(cat "$folder/mysql-password")@mysql:3306/eg"
chmod 644 "$folder"/*
echo "The secrets are in $folder. Keep a copy of master-key apart from the database."
