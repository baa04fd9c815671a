#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What has to be true of a machine that was just made from the image.
set -eu
systemctl is-system-running --wait >/dev/null || {
  systemctl --no-pager --failed
  exit 1
}
for unit in nemean-control.service nemean-detectors.service 'nemean-capture@tap0.service'; do
  printf '%s: %s\n' "$unit" "$(systemctl is-active "$unit" || true)"
done
systemctl is-active --quiet nemean-control.service nemean-detectors.service
test -s /var/lib/nemean/setup-token
nemean --version
