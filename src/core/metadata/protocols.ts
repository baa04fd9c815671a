// SPDX-License-Identifier: BSD-3-Clause
import type { AnyProtocol } from "./protocol.ts";
import appproto from "./protocols/appproto.ts";
import arp from "./protocols/arp.ts";
import basicplus from "./protocols/basicplus.ts";
import bstats from "./protocols/bstats.ts";
import communityid from "./protocols/communityid.ts";
import dns from "./protocols/dns.ts";
import dnssd from "./protocols/dnssd.ts";
import flowhash from "./protocols/flowhash.ts";
import http from "./protocols/http.ts";
import icmp from "./protocols/icmp.ts";
import idpcontent from "./protocols/idpcontent.ts";
import mpls from "./protocols/mpls.ts";
import mqtt from "./protocols/mqtt.ts";
import netbios from "./protocols/netbios.ts";
import nettisa from "./protocols/nettisa.ts";
import ntp from "./protocols/ntp.ts";
import osquery from "./protocols/osquery.ts";
import ovpn from "./protocols/ovpn.ts";
import passivedns from "./protocols/passivedns.ts";
import phists from "./protocols/phists.ts";
import pstats from "./protocols/pstats.ts";
import quic from "./protocols/quic.ts";
import rtsp from "./protocols/rtsp.ts";
import sip from "./protocols/sip.ts";
import smtp from "./protocols/smtp.ts";
import ssadetector from "./protocols/ssadetector.ts";
import ssdp from "./protocols/ssdp.ts";
import ssh from "./protocols/ssh.ts";
import tls from "./protocols/tls.ts";
import vlan from "./protocols/vlan.ts";
import wg from "./protocols/wg.ts";

/** All protocols, in alphabetical order. */
export const PROTOCOLS: readonly AnyProtocol[] = [
  appproto,
  arp,
  basicplus,
  bstats,
  communityid,
  dns,
  dnssd,
  flowhash,
  http,
  icmp,
  idpcontent,
  mpls,
  mqtt,
  netbios,
  nettisa,
  ntp,
  osquery,
  ovpn,
  passivedns,
  phists,
  pstats,
  quic,
  rtsp,
  sip,
  smtp,
  ssadetector,
  ssdp,
  ssh,
  tls,
  vlan,
  wg,
];
