// SPDX-License-Identifier: BSD-3-Clause

/** Parts of a request that indications are looked for in. */
export const IN = { url: 1, agent: 2, referer: 4, host: 8, method: 16 } as const;
const { url, agent } = IN;
const anywhere = IN.url | IN.agent | IN.referer | IN.host;

/** Kinds of attacks, in the order of their rules. */
export const FAMILIES = [
  "methods",
  "traversal",
  "files",
  "restricted",
  "php",
  "shell",
  "powershell",
  "sql",
  "xss",
  "java",
  "scanners",
  "protocol",
  "inclusion",
] as const;
export type Family = (typeof FAMILIES)[number];

/**
 * Words of a kind of attack that are worth so many points, parted by two blanks.
 *
 * They are found in text that was decoded, in lower case, its blanks (line breaks and plus signs among them) joined to one,
 * comments of SQL taken for a blank, both quotes alike, backslashes as slashes. `^` in front: no letter or digit before
 * it. `$` behind: none after it.
 */
export interface Words {
  readonly family: Family;
  readonly points: number;
  readonly in: number;
  readonly words: string;
}

export const WORDS: readonly Words[] = [
  { family: "traversal", points: 2, in: url, words: "../" },
  {
    family: "traversal",
    points: 2,
    in: url,
    words: `
../../  ....//`,
  },
  {
    family: "traversal",
    points: 4,
    in: url,
    words: `
../../../  ..;/  .%2e/`,
  },

  {
    family: "files",
    points: 5,
    in: url,
    words: `
/etc/passwd  /etc/shadow  /etc/sudoers  /proc/self/  /proc/version$  /.ssh/id_  ^id_rsa$  .bash_history
/windows/win.ini  /windows/system32/  /winnt/system32/  c:/boot.ini  /web-inf/web.xml`,
  },
  {
    family: "files",
    points: 3,
    in: url,
    words: `
/etc/hosts$  /etc/group$  /etc/issue$  /etc/crontab  /etc/nginx/  /etc/apache2/  /etc/httpd/
/etc/mysql/  /var/log/  /proc/cpuinfo  ^boot.ini$  ^win.ini$  /.ssh/  /root/`,
  },

  {
    family: "restricted",
    points: 5,
    in: url,
    words: `
/.git/config  /.git/head$  /.git/index$  /.svn/entries  /.svn/wc.db  /.env$  /.htpasswd
/.aws/credentials  /.docker/config.json  /.kube/config  /actuator/env$  /actuator/heapdump
/actuator/gateway  wp-config.php.  wp-config.bak  wp-config.old  /.npmrc$  /.pgpass`,
  },
  {
    family: "restricted",
    points: 3,
    in: url,
    words: `
/.git/  /.svn/  /.hg/  /.htaccess  /web.config$  wp-config.php  /server-status$  /phpinfo.php
/.ds_store  /.idea/  /.vscode/  /actuator/  /jolokia/  /manager/html$  /solr/admin/  /phpmyadmin/setup
/console/login  /dump.sql  /backup.sql  /database.sql  /backup.zip  /.well-known/../`,
  },

  {
    family: "php",
    points: 5,
    in: anywhere,
    words: `
<?php  <?=  php://filter  php://input  expect://  phar://  allow_url_include  auto_prepend_file
disable_functions  shell_exec(  passthru(  proc_open(  eval-stdin.php  call_user_func_array
/invokefunction  eval(base64_decode`,
  },
  {
    family: "php",
    points: 4,
    in: anywhere,
    words: `
php://  data://text/  ^phpinfo(  base64_decode(  gzinflate(  file_get_contents(  file_put_contents(
$_get[  $_post[  $_request[  $_cookie[  $_server[  $globals[  move_uploaded_file(`,
  },
  {
    family: "php",
    points: 3,
    in: url,
    words: `
^system(  ^popen(  ^assert(  ^eval(  ^create_function(  ^preg_replace(  ^unserialize(  zip://  glob://`,
  },

  {
    family: "shell",
    points: 5,
    in: anywhere,
    words: `
() { :  () { _  /dev/tcp/  /dev/udp/  \${ifs}  $ifs$  nc -e /  ncat -e /  bash -i >  /bin/bash -c
/bin/sh -c  ;wget http  |wget http  ;curl http  |curl http  &&wget http  &&curl http  \`wget http
\`curl http  $(wget http  $(curl http  cd /tmp;  cd /tmp &&  |base64 -d`,
  },
  {
    family: "shell",
    points: 4,
    in: url,
    words: `
^wget http  ^curl http  ^curl -s  ^wget -q  ^busybox wget  ^busybox tftp  ^tftp -g  chmod 777  chmod +x
rm -rf  ;cat /  |cat /  ;cat$  |cat$  \`cat /  $(cat /  /bin/sh$  /bin/bash  /bin/cat$  /usr/bin/id
uname -a  mkfifo /  python -c  perl -e  ruby -e  ;ls -  |ls -`,
  },
  {
    family: "shell",
    points: 3,
    in: url,
    words: `
;id$  |id$  \`id\`  $(id)  ;ls$  |ls$  ;whoami  |whoami  \`whoami  $(whoami  ;ping -  |ping -  ;sleep$
|sleep$  $(sleep  \`sleep  ;nslookup$  |nslookup$  ;uname  |uname  /bin/ls$`,
  },
  {
    family: "shell",
    points: 2,
    in: url,
    words: `
$(  /tmp/  /bin/`,
  },

  {
    family: "powershell",
    points: 5,
    in: url | IN.referer,
    words: `
^invoke-expression  ^invoke-webrequest  ^invoke-restmethod  ^invoke-mimikatz  .downloadstring(
.downloadfile(  net.webclient  frombase64string(  -encodedcommand  certutil -urlcache
certutil.exe -urlcache  bitsadmin /transfer  wscript.shell  powershell -  powershell.exe -
-executionpolicy bypass  -w hidden  -windowstyle hidden  ^iex(  ^iex (`,
  },
  {
    family: "powershell",
    points: 4,
    in: url,
    words: `
^powershell$  ^cmd.exe$  ^cmd /c  ^cmd.exe /c  ^mshta http  ^regsvr32 /  ^rundll32  ^net user /
^wmic process  ^get-wmiobject  ^get-process$  ^set-executionpolicy`,
  },

  { family: "sql", points: 1, in: url, words: '"' },
  {
    family: "sql",
    points: 2,
    in: url,
    words: `
" and$  " order by$  " group by$  ";  ^user()  ^current_user$  ^char(  ^chr(  ^ascii(  ^substring(
^concat(  ^order by 1`,
  },
  {
    family: "sql",
    points: 3,
    in: url,
    words: `
" or$  ") or$  "||  "#  ;--  ) --  ^table_name$  ^column_name$  ^version()  ^database()  ^insert into
^delete from  ^unhex(  ^having 1  ^rlike$  ^procedure analyse  ^exec(  ^declare @`,
  },
  {
    family: "sql",
    points: 4,
    in: url,
    words: `
"--  " --  " union$  " having$  ^sysobjects$  ^syscolumns$  ^pg_catalog$  @@version  @@datadir
@@hostname  ^sleep(  ^benchmark(  ^extractvalue(  ^updatexml(  ^group_concat(  ^exec sp_  ^exec master
^drop table  ^drop database  ^convert(int`,
  },
  {
    family: "sql",
    points: 5,
    in: url,
    words: `
^union(select  ^union select  ^union all select  ^union distinct select  ^information_schema
^sqlite_master  ^mysql.user$  ^pg_sleep(  ^waitfor delay  ^dbms_pipe.  ^utl_http.  ^load_file(
^into outfile  ^into dumpfile  ^xp_cmdshell  ^concat(0x  ^sp_oacreate  ^or sleep(  ^and sleep(
^procedure analyse(`,
  },

  {
    family: "xss",
    points: 5,
    in: anywhere,
    words: `
<script  <svg/onload  <svg onload  <img src=x onerror  string.fromcharcode  document.cookie  " onerror=
" onload=  " onmouseover=  " onfocus=  javascript:alert  javascript:eval  javascript:document`,
  },
  {
    family: "xss",
    points: 4,
    in: url | IN.referer,
    words: `
</script  <svg  <iframe  <object  <embed  <marquee  <video  <audio  <body onload  /onerror=  /onload=
^onerror=  ^ontoggle=  ^onanimationstart=  srcdoc=  vbscript:`,
  },
  {
    family: "xss",
    points: 3,
    in: url | IN.referer,
    words: `
^javascript:  ^alert(  ^document.location  ^document.write  ^window.location  <img$  <a href  <style
<base  <meta  <form  ^onmouseover=  ^onfocus=  ^onclick=`,
  },
  {
    family: "xss",
    points: 2,
    in: url,
    words: `
^prompt(  ^confirm(  ">  &#x  <!--`,
  },

  {
    family: "java",
    points: 5,
    in: anywhere,
    words: `
\${jndi:  ^jndi:ldap  ^jndi:rmi:  ^jndi:dns:  ^jndi:iiop  ^jndi:corba  ^jndi:nis:  ^jndi:nds:
^jndi:http  \${lower:  \${upper:  \${::-  \${\${  java.lang.runtime  java.lang.processbuilder
class.module.classloader  #_memberaccess  @ognl.  t(java.lang  getruntime().exec`,
  },
  {
    family: "java",
    points: 4,
    in: anywhere,
    words: `
\${env:  \${sys:  \${ctx:  \${main:  %{(#  %{#  #{t(  \${t(  ^java.lang.`,
  },
  {
    family: "java",
    points: 3,
    in: anywhere,
    words: `
\${date:  \${java:  \${`,
  },

  {
    family: "scanners",
    points: 5,
    in: agent,
    words: `
^nikto$  ^sqlmap  ^nmap scripting  ^masscan  ^zgrab  ^zmeu$  ^morfeus  ^nessus  ^openvas  ^acunetix
^netsparker  ^wpscan  ^joomscan  ^droopescan  ^dirbuster  ^gobuster  ^feroxbuster  ^fuzz faster  ^ffuf
^wfuzz  ^dirsearch  ^nuclei$  ^w3af  ^arachni  ^skipfish  ^havij  ^jaeles  ^commix  ^xsser  ^whatweb
^dotdotpwn  ^burpcollaborator  ^hydra$  ^brutus$  ^jorgee  ^paros/  ^webinspect  ^qualys  ^l9explore
^l9tcpid`,
  },
  {
    family: "scanners",
    points: 5,
    in: url,
    words: `
acunetix-wvs  acunetix_wvs  nessus_is_probing  nikto-test  nmaplowercheck  /nice ports,/tri
openvas-test  w00tw00t`,
  },
  { family: "scanners", points: 5, in: url | agent, words: "muieblackcat" },

  {
    family: "inclusion",
    points: 5,
    in: url,
    words: `
=file:/  =gopher://  =dict://  =http://169.254.169.254  =http://metadata.google  =jar:http  =netdoc:`,
  },
  {
    family: "inclusion",
    points: 3,
    in: url,
    words: `
=http://127.  =http://localhost  =http://0.0.0.0  =http://[::  =ftp://  =//169.254.  =ldap://  =tftp://`,
  },

  {
    family: "protocol",
    points: 2,
    in: url,
    words: [" set-cookie:", " location:", " content-type:", " content-length:", " http/1."].join(
      "\n",
    ),
  },
];

const BETWEEN = /\n| {2,}/;

/** The single words of an entry. */
export const wordsOf = ({ words }: Words): string[] =>
  words.split(BETWEEN).filter((word) => word !== "");

/** Words that mean something together with what stands behind them. */
export const ACTION = { none: 0, or: 1, and: 2, select: 3, from: 4 } as const;
export const ACTIONS: readonly (readonly [word: string, action: number])[] = [
  ["^or$", ACTION.or],
  ["^and$", ACTION.and],
  ["^select$", ACTION.select],
  ["^from$", ACTION.from],
];
