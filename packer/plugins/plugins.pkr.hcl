# SPDX-License-Identifier: BSD-3-Clause
# For Packer 1.10 and later, which brings no plugins: `packer init packer/plugins` gets them. Apart from the template,
# since 1.6.6 does not know the block. Not run here: Debian 12 has 1.6.6.
packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = "~> 1.1"
    }
    vagrant = {
      source  = "github.com/hashicorp/vagrant"
      version = "~> 1.1"
    }
  }
}
