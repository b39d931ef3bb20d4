#!/usr/bin/env bash
# Copies the shared libraries that these programs load, and their copyright notices, to the same paths below FOLDER.
# Debian's libtorch loads 330 libraries, of OpenCV, Qt and GDAL too. Their packages hold twice as much again: icons, maps, plugins.
# Libraries that the base image has (listed in the file BASE), and those of a libtorch below /opt, are left out.
# Usage: deploy/collect_libraries.sh FOLDER BASE PROGRAM...
set -euo pipefail

folder=$1 base=$2
shift 2
missing=$(ldd "$@" | grep "not found" || true)
[[ -z $missing ]] || { echo "error: libraries are missing:"$'\n'"$missing" >&2; exit 1; }

files=()
while read -r library; do
  path=$(realpath "$(dirname "$library")")/$(basename "$library")
  [[ $path == /opt/* ]] || grep -qxF "$path" "$base" && continue
  install -D -m 0644 "$path" "$folder$path"
  file=$(realpath "$path")
  files+=("$file" "${file#/usr}")  # Debian 12 knows a file in /lib under that name, though /lib is a link to /usr/lib
done < <(ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u)

{ dpkg-query -S "${files[@]}" 2>/dev/null || true; } | cut -d: -f1 | sort -u | while read -r package; do
  notice=/usr/share/doc/$package/copyright
  [[ ! -f $notice ]] || install -D -m 0644 "$notice" "$folder$notice"
done
echo "$((${#files[@]} / 2)) libraries, $(du -sh "$folder" | cut -f1)"
