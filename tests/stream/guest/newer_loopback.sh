#!/usr/bin/env bash
# A guest with a v4l2loopback that tells who reads it (0.13 and newer): beside the one of ../shared/tools/vm, whose
# Debian has 0.12, the driver of the next Debian built for the same kernel. As root, after vm_prepare.sh; 10 s.
set -euo pipefail
guest=$HOME/.cache/backroom-vm
newer=$HOME/.cache/backroom-vm-newer
kernel=$(cat "$guest/version")
[ "$(cat "$newer/version" 2>/dev/null)" = "$kernel" ] && { echo "have a newer v4l2loopback for $kernel"; exit 0; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
mkdir -p lists/partial cache/archives/partial build
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" >sources.list
apt=(apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=root)
"${apt[@]}" update
"${apt[@]}" download v4l2loopback-dkms
dpkg-deb -x v4l2loopback-dkms_*.deb package
cp package/usr/src/v4l2loopback-*/* build/
make -s -C "/usr/src/linux-headers-$kernel" M="$folder/build" CC=gcc modules 2>/dev/null

mkdir -p "$newer/extra"
cp build/v4l2loopback.ko "$newer/extra/"
ln -sfn "$guest/lib" "$newer/lib"
ln -sfn "$guest/vmlinux" "$newer/vmlinux"
echo "$kernel" >"$newer/version"
