#!/usr/bin/env bash
# Fetches the programs that judge us into the folder named, at the versions
# pinned here. What the network refuses is left out; its tests then say so and
# are skipped.
set -u
dir=${1:?usage: fetch.sh FOLDER}
mkdir -p "$dir" && cd "$dir" || exit 1

# GovStack's suites are cucumber-js; nothing of these packages is run at installation.
if [ ! -d node_modules/@cucumber/cucumber ]; then
  echo '{"private": true}' > package.json
  npm install --ignore-scripts --no-save --no-audit --no-fund --loglevel=error \
    @cucumber/cucumber@8.10.0 pactum@3.3.2 chai@4.5.0 chai-json-schema@1.5.1 ||
    echo "peers: the packages of GovStack's suites could not be had; their tests are skipped" >&2
fi

source_at() { # owner/name commit
  local name=${1#*/}
  [ -d "$name" ] && return
  if GIT_TERMINAL_PROMPT=0 timeout 120 git clone -q "https://github.com/$1" "$name.part" && git -C "$name.part" checkout -q "$2"; then
    mv "$name.part" "$name"
  else
    rm -rf "$name.part"
    echo "peers: $1 could not be had at $2; what it judges is skipped" >&2
  fi
}
source_at GovStackWorkingGroup/bb-information-mediator 44524920d20b55b7b8fa5d6ec10cb6beef1f2862
source_at GovStackWorkingGroup/bb-digital-registries bc35ff73e307ad21de06291a6777037a40e19115
source_at ria-ee/X-Road-scripts ae82154d861b89bf78fead0f899ee1d6c1237ce6
exit 0
