#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What has to be true of a machine that was just made from the image.
set -eu
systemctl is-system-running --wait >/dev/null || {
  systemctl --no-pager --failed
  exit 1
}
# Control starts the others, which takes a while where nothing virtualises in hardware.
timeout 300 sh -c 'until systemctl is-active --quiet nemean-control.service nemean-detectors.service && test -s /var/lib/nemean/setup-token; do sleep 1; done' || {
  journalctl --no-pager -b -o cat -u 'nemean-*'
  exit 1
}
nemean --version
