#!/usr/bin/env bash
# Builds the real servers that `npm run test:real` talks to, once, into a cache folder:
#   <cache>/bin/ollama        Ollama 0.24.0, the last release that runs models in its own process (Go modules)
#   <cache>/bin/ollama-0.32   Ollama 0.32.15, for its command
#   <cache>/bin/llama-server  llama.cpp's server (from the source archive of llama-cpp-python on PyPI)
# Needs go, python3, gcc, g++, pkg-config free; takes about 15 minutes on two cores and 2 GB of disk.
# Prints one line per server; exits 1 with a plain line when one cannot be had.
set -uo pipefail
cache=${NOMYO_REAL_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/nomyo-router/real-servers}
ollama_version=v0.24.0
newer_ollama_version=v0.32.15
llama_cpp_python_version=0.3.36
mkdir -p "$cache/bin" "$cache/build"
log=$cache/build/log
say() { printf '%s\n' "$*"; }
fail() { say "real servers: $* (log: $log)"; exit 1; }

build_ollama() {
  [ -x "$cache/bin/ollama" ] && { say "ollama: $cache/bin/ollama"; return; }
  command -v go >/dev/null || fail 'ollama needs go to build'
  # Go leaves vendor/ folders out of modules, so three header-only libraries come from elsewhere.
  if [ ! -e /usr/include/nlohmann/json.hpp ] || [ ! -d /usr/include/stb ]; then
    apt-get update >>"$log" 2>&1; apt-get install -y nlohmann-json3-dev libstb-dev >>"$log" 2>&1 || fail 'nlohmann-json3-dev and libstb-dev cannot be installed'
  fi
  (cd "$cache/build" && rm -rf miniaudio* && "$cache/build/venv/bin/pip" download --no-deps --no-binary :all: --no-build-isolation miniaudio >>"$log" 2>&1 && mkdir miniaudio && tar -xzf miniaudio-*.tar.gz -C miniaudio --strip-components 1) || fail 'miniaudio cannot be downloaded'
  say "ollama: building $ollama_version, about 5 minutes"
  CGO_CPPFLAGS="-I$cache/build/miniaudio" GOFLAGS=-buildvcs=false GOBIN="$cache/bin" go install "github.com/ollama/ollama@$ollama_version" >>"$log" 2>&1 || fail 'ollama does not build'
  say "ollama: $cache/bin/ollama"
}

build_newer_command() {
  [ -x "$cache/bin/ollama-0.32" ] && { say "ollama-0.32: $cache/bin/ollama-0.32"; return; }
  say "ollama-0.32: building $newer_ollama_version, about a minute"
  CGO_CPPFLAGS="-I$cache/build/miniaudio" GOFLAGS=-buildvcs=false GOBIN="$cache/build/newer" go install "github.com/ollama/ollama@$newer_ollama_version" >>"$log" 2>&1 || fail 'ollama-0.32 does not build'
  mv "$cache/build/newer/ollama" "$cache/bin/ollama-0.32"
  say "ollama-0.32: $cache/bin/ollama-0.32"
}

build_llama_server() {
  [ -x "$cache/bin/llama-server" ] && { say "llama-server: $cache/bin/llama-server"; return; }
  (cd "$cache/build" && rm -rf llama_cpp_python* llama && "$cache/build/venv/bin/pip" download --no-deps --no-binary :all: --no-build-isolation "llama-cpp-python==$llama_cpp_python_version" >>"$log" 2>&1 && mkdir llama && tar -xzf llama_cpp_python-*.tar.gz -C llama --strip-components 1) || fail 'llama-cpp-python cannot be downloaded'
  say 'llama-server: building, about 8 minutes'
  (cd "$cache/build/llama/vendor/llama.cpp" && PATH="$cache/build/venv/bin:$PATH" && cmake -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=ON >>"$log" 2>&1 && ninja -C build llama-server >>"$log" 2>&1 && cp build/bin/llama-server "$cache/bin/llama-server") || fail 'llama-server does not build'
  say "llama-server: $cache/bin/llama-server"
}

[ -x "$cache/bin/ollama" ] && [ -x "$cache/bin/ollama-0.32" ] && [ -x "$cache/bin/llama-server" ] && { say "real servers: $cache/bin"; exit 0; }
command -v python3 >/dev/null || fail 'python3 is needed to fetch source archives'
[ -x "$cache/build/venv/bin/pip" ] || { python3 -m venv "$cache/build/venv" && "$cache/build/venv/bin/pip" install scikit-build-core cmake ninja setuptools wheel cffi >>"$log" 2>&1; } || fail 'a Python environment cannot be made'
build_ollama
build_newer_command
build_llama_server
