# SPDX-License-Identifier: BSD-3-Clause
# Boots the appliance's image, looks that it is well, and packs it for Vagrant. Written for the Packer of Debian 12
# (1.6.6); newer ones are told of their plugins by plugins/plugins.pkr.hcl first.

variable "image" {
  type        = string
  description = "The disk that `npm run appliance -- --box` made."
}

variable "sha256" {
  type        = string
  description = "Its checksum, as SHA256SUMS says."
}

variable "key" {
  type        = string
  description = "Private ssh key of this build: its public half is handed to the machine, and removed again."
}

variable "tmpfiles" {
  type        = string
  description = "In base64, the line of tmpfiles.d that lets that key in."
}

variable "accelerator" {
  type    = string
  default = "tcg"
}

variable "cpu" {
  type        = string
  description = "Not qemu64, which Bun does not run on."
  default     = "max"
}

variable "out" {
  type    = string
  default = ".cache/packer"
}

source "qemu" "nemean" {
  disk_image       = true
  iso_url          = var.image
  iso_checksum     = "sha256:${var.sha256}"
  format           = "qcow2"
  disk_size        = "3138M"
  skip_resize_disk = true
  use_backing_file = false
  disk_compression = true
  disk_discard     = "unmap"
  headless         = true
  accelerator      = var.accelerator
  machine_type     = "q35"
  net_device       = "virtio-net-pci"
  memory           = 1024
  cpus             = 2
  output_directory = "${var.out}/disk"
  vm_name          = "nemean.qcow2"
  boot_wait        = "5s"
  # On all addresses, so it is run in a network of its own; the machine itself reaches nothing.
  qemuargs = [
    ["-cpu", var.cpu],
    ["-netdev", "user,id=user.0,restrict=on,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
    ["-device", "virtio-net-pci,netdev=user.0"],
    # A tap port at whose cable nobody is.
    ["-netdev", "hubport,id=tap,hubid=0"],
    ["-device", "virtio-net-pci,netdev=tap"],
    ["-device", "virtio-rng-pci"],
    ["-smbios", "type=11,value=io.systemd.credential.binary:tmpfiles.extra=${var.tmpfiles}"],
  ]
  communicator         = "ssh"
  ssh_username         = "root"
  ssh_private_key_file = var.key
  ssh_timeout          = "10m"
  shutdown_command     = "systemctl poweroff"
  shutdown_timeout     = "5m"
}

build {
  sources = ["source.qemu.nemean"]

  provisioner "shell" {
    script = "packer/scripts/smoke.sh"
  }

  # The last one: nobody gets in after it.
  provisioner "shell" {
    script = "packer/scripts/finish.sh"
  }

  post-processor "manifest" {
    output     = "${var.out}/packer-manifest.json"
    strip_path = true
  }

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "${var.out}/{{.BuildName}}.{{.ChecksumType}}"
  }

  post-processor "vagrant" {
    provider_override    = "libvirt"
    output               = "${var.out}/nemean.box"
    vagrantfile_template = "packer/box.Vagrantfile"
  }
}
