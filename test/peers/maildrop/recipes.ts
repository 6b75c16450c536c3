/** Recipes that Debian's maildrop and ours must obey alike: what is printed, the exit code, every file afterwards. */
export interface Row {
  readonly recipe: string;
  /** One of `messages`; absent: plain. */
  readonly message?: keyof typeof messages;
  readonly args?: readonly string[];
  /** As `-m` runs it: it may look and answer. */
  readonly embedded?: true;
}

export const messages = {
  plain: `From: "Joe Brown" <joe@example.com>
To: alice@example.net, Bob <bob@example.net>
Cc: carol@example.org (Carol C.)
Subject: Hello World
 folded part
X-Foo: bar
X-Number: 42
Message-ID: <one@example.com>

Line one
Lots of money, money, money
From the start
>From quoted
last line
`,
  encoded: `From: =?iso-8859-1?Q?J=F6rg?= <joerg@example.com>
To: "Doe, Jane" <jane@example.net>, team: x@example.org, y@example.org;
Subject: =?utf-8?B?R3LDvMOfZQ==?= aus =?utf-8?Q?K=C3=B6ln?=
Mime-Version: 1.0
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9 au lait
soft =
break here
`,
  parts: `From: a@example.com
To: b@example.com
Subject: parts
Mime-Version: 1.0
Content-Type: multipart/mixed; boundary="=_b"

preamble words
--=_b
Content-Type: text/plain; charset=utf-8
X-Part: first

visible text
--=_b
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

aGlkZGVuIHRleHQ=
--=_b
Content-Type: text/html
Content-Transfer-Encoding: base64

PGI+c2VjcmV0IHdvcmQ8L2I+Cg==
--=_b--
epilogue words
`,
  bounce: `Return-Path: <list-owner@example.org>
From: MAILER-DAEMON@example.org
To: <alice@example.net>
Subject: failure notice

Sorry.
`,
  nobody: `Subject: no addresses at all

x
`,
  unended: `From: x@example.com
Subject: no line end at the end

last`,
} as const;

const raw = String.raw;

/**
 * Programs read their input: maildrop takes it for trouble when one that does not is faster than its own writing.
 * Each recipe runs with DEFAULT="./default" and the Maildirs A and B beside it.
 */
export const rows: readonly Row[] = [
  // Where mail goes.
  { recipe: '' },
  { recipe: 'to "./box"' },
  { recipe: 'to box' },
  { recipe: 'to A' },
  { recipe: 'to "./A"' },
  { recipe: 'cc A\ncc B' },
  { recipe: 'cc A\nexit' },
  { recipe: 'cc A\nto B' },
  { recipe: 'cc box\ncc box\nexit' },
  { recipe: 'cc "box" # said twice\ncc other;cc third\nto fourth' },
  { recipe: 'to /dev/null' },
  { recipe: 'cc "/dev/null"\nto A' },
  { recipe: 'to ""' },
  { recipe: 'to "missing/folder/box"' },
  { recipe: 'cc "missing/folder/box"\nto A' },
  { recipe: 'exit' },
  { recipe: 'to A', message: 'unended' },
  { recipe: 'to box', message: 'unended' },
  { recipe: 'to box', message: 'bounce' },
  { recipe: 'to box', args: ['-f', 'sender@example.com'] },
  { recipe: 'to A', args: ['-A', 'X-Added: yes', '-A', 'Delivered-To: me@example.net'] },
  { recipe: 'to box', args: ['-A', 'X-Added: yes'] },
  { recipe: 'if (/^X-Added: yes/)\n{\nto A\n}', args: ['-A', 'X-Added: yes'] },
  { recipe: 'to "|cat > out"' },
  { recipe: 'to "|cat > out; exit 3"' },
  { recipe: 'cc "|cat > out; exit 3"\necho "$EXITCODE"\nto A' },
  { recipe: 'cc "|cat >/dev/null; exit 0"\nEXITCODE=7\nto A' },
  { recipe: 'to "|cat >/dev/null; exit 77"' },
  { recipe: 'cc "|head -1 > first"\nto A' },
  { recipe: raw`SENDMAIL="cat >/dev/null; echo sent"` + '\nto "!one@example.com two@example.com"' },
  { recipe: raw`SENDMAIL="cat >/dev/null; echo sent"` + '\ncc "! one@example.com  two@example.com "\nto A' },
  { recipe: 'DEFAULT="./elsewhere"' },
  { recipe: 'MAILBOX="A"\nto $MAILBOX' },
  { recipe: 'MAILBOX=A\nto "./$MAILBOX"' },
  { recipe: 'to "a" "b"' },
  { recipe: 'EXITCODE=9\nto A' },
  { recipe: 'EXITCODE=9\nexit' },
  { recipe: 'EXITCODE=300\nexit' },
  { recipe: 'EXITCODE="x"\nexit' },
  { recipe: 'EXITCODE=5' },
  { recipe: 'FLAGS="S"\nto A' },
  { recipe: 'FLAGS="FS"\nto A' },
  { recipe: 'FLAGS="SR"\nto box' },
  { recipe: 'KEYWORDS="work,later"\nto A' },
  { recipe: 'MAILDIRQUOTA="10S"\nto A' },
  { recipe: 'MAILDIRQUOTA="100000S,10C"\nto A' },
  { recipe: 'exception {\nMAILDIRQUOTA="10S"\nto A\n}\nto box' },
  // The log.
  { recipe: 'logfile "log"\nto A' },
  { recipe: 'logfile log\ncc box\ncc "|cat >/dev/null"\nto "|cat >/dev/null; exit 5"' },
  { recipe: 'logfile "log"\nlog "said"\nlog "open\\c"\nlog " closed"\nexit' },
  { recipe: 'logfile "log"\nEXITCODE=3\ncc "|cat >/dev/null; exit 4"\nto A', message: 'encoded' },
  { recipe: 'logfile "log"\nto A', message: 'nobody' },
  { recipe: 'logfile "log"\nto "./a-long-name-a-long-name-a-long-name-a-long-name-a-long-name-a-long-name-end"' },
  { recipe: 'log "to nobody"\nto A' },
  { recipe: 'logfile "missing/log"\nto A' },
  { recipe: 'logfile "log"' },
  // Conditions.
  { recipe: 'if (/^Subject: Hello/)\nto A' },
  { recipe: 'if (/^Subject: Goodbye/)\nto A' },
  { recipe: 'if (/^Subject: Hello/)\n{\nto A\n}\nelse\n{\nto B\n}' },
  { recipe: 'if (/^Subject: Goodbye/)\n{\nto A\n}\nelse\n{\nto B\n}' },
  { recipe: 'if (0)\necho a\nelsif (1)\necho b\nelse\necho c\nexit' },
  { recipe: 'if (0)\necho a\nelsif ("")\necho b\nelse\necho c\nexit' },
  { recipe: 'if (1)\n  if (0)\n    echo x\n  else\n    echo y\nexit' },
  { recipe: 'if (1)\n\n# a comment\n{\necho x\n}\nexit' },
  { recipe: 'if (1) # said\n{ # said\necho x # said\n} # said\nexit' },
  { recipe: 'if (/^X-Foo/ && \\\n /^X-Number/)\n{\necho both\n}\nexit' },
  { recipe: 'if (/^X-Foo/ && !/^Nothing/)\necho both\nexit' },
  { recipe: 'if (/^Nothing/ || /^X-Foo/)\necho one\nexit' },
  { recipe: 'if ("0.0")\necho true\nif ("00")\necho true\nif ("0")\necho true\nif ("")\necho true\nexit' },
  { recipe: '{\necho block\n}\nexit' },
  { recipe: 'if (1)\n{ echo x\n}\nexit' },
  { recipe: 'if($SIZE>10)\necho nospace\nexit' },
  // Loops.
  { recipe: 'N=3\nwhile ($N > 0)\n{\necho $N\nN=$N - 1\n}\nexit' },
  { recipe: 'N=5\nwhile ((N=$N - 1) > 0)\n{\necho $N\n}\nexit' },
  { recipe: 'while (0)\necho never\nexit' },
  { recipe: 'foreach /^[A-Za-z-]+:/\n{\necho "<$MATCH>"\n}\nexit' },
  { recipe: 'foreach /^(To|Cc): .*/\n{\nforeach (getaddr $MATCH) =~ /.+/\n{\necho "<$MATCH>"\n}\n}\nexit' },
  { recipe: 'foreach ("a1b22c333") =~ /[0-9]+/\n{\necho "<$MATCH>"\n}\nexit' },
  { recipe: 'foreach ("a b c") =~ /z/\n{\necho "<$MATCH>"\n}\necho none\nexit' },
  { recipe: 'foreach /money/:b\n{\necho "$MATCH"\n}\nexit' },
  { recipe: 'X=""\nforeach ("abc") =~ /./\nX="$MATCH$X"\necho $X\nexit' },
  { recipe: 'foreach ("a,b") =~ /[a-z]/\n{\nto $MATCH\n}' },
  // Text.
  { recipe: raw`A="abc"` + '\n' + raw`echo "$A" '$A' "\$A" "${'$'}{A}d" "[$NONE]"` + '\nexit' },
  { recipe: raw`echo "a\\b" 'c\\d' "e\"f" 'g\'h'` + '\nexit' },
  { recipe: raw`echo "one\ntwo\tthree"` + '\nexit' },
  { recipe: raw`echo "no end\c"` + '\necho "next"\nexit' },
  { recipe: 'echo "long \\\n     text" " goes on"\nexit' },
  { recipe: "echo 'long \\\n     text'\nexit" },
  { recipe: 'A=abc\nB=$A.txt/$A@host:1\necho $B\nexit' },
  { recipe: 'A-B=3\necho "${A-B}"\nexit' },
  { recipe: 'A=x\nB=y\nC=$A$B"lit"$A\necho $C\nexit' },
  { recipe: 'A = "spaced"\necho $A\nexit' },
  { recipe: 'A=/var/mail\necho $A\nexit' },
  { recipe: 'echo $1 "-" $2\nexit' },
  { recipe: 'echo "cost: $5 $ $"\nexit' },
  { recipe: 'unset A\nA=1\nunset A\necho "<$A>"\nexit' },
  { recipe: 'unset "A"\necho "<$A>"\nexit' },
  { recipe: 'import NOTHING_OF_THIS_NAME\necho "<$NOTHING_OF_THIS_NAME>"\nexit' },
  { recipe: 'GIVEN="changed"\nimport GIVEN\necho "<$GIVEN>"\nexit' },
  { recipe: 'echo "<$GIVEN>"\nexit' },
  { recipe: ';;echo a;;echo b;\n;\nexit' },
  { recipe: 'echo a # echo b\n# echo c\nexit' },
  { recipe: '\techo tab\n   echo blank\nexit' },
  { recipe: 'echo "$SIZE"\nexit' },
  { recipe: 'echo "$SIZE $LINES"\nexit', message: 'parts' },
  { recipe: 'echo "$LINES $SIZE"\nexit', message: 'unended' },
  { recipe: 'foreach /^.*/\n{\necho "<$MATCH>"\n}\nexit', message: 'parts' },
  { recipe: 'foreach /^.*/:hb\n{\necho "<$MATCH>"\n}\nexit', message: 'encoded' },
  { recipe: 'foreach /^.*/\n{\necho "<$MATCH>"\n}\nexit', message: 'encoded' },
  { recipe: 'foreach /^.+/\n{\necho "<$MATCH>"\n}\nexit', message: 'nobody' },
  { recipe: 'echo "$SIZE"\nexit', args: ['-A', 'X-Added: yes'] },
  { recipe: 'echo "$FROM"\nexit' },
  { recipe: 'echo "$FROM"\nexit', message: 'bounce' },
  { recipe: 'echo "$FROM"\nexit', args: ['-f', 'x@example.com'] },
  { recipe: 'echo "$FROM"\nexit', args: ['-f', ''] },
  { recipe: 'echo "$LOCKEXT $LOCKSLEEP $LOCKTIMEOUT $LOCKREFRESH $UMASK"\nexit' },
  // Numbers and comparisons.
  { recipe: 'echo 2 + 3 * 4\necho (2 + 3) * 4\necho 10 / 4\necho 2 / 3 * 3\nexit' },
  { recipe: 'echo 1 / 3\necho 0.1 + 0.2\necho 1 / 0\necho (0 - 1) / 0\nexit' },
  { recipe: 'echo 1000000 * 1000000\necho 1e10 + 0\necho 12345678.5 + 0\necho 1000000000000000000000 * 10\nexit' },
  { recipe: 'echo 0 - 0.0000001\necho 2 * 3.50\necho 5 - -3\necho 5 - 7\nexit' },
  { recipe: 'echo "1e3" + 1\necho "abc" + 1\necho "0x10" + 1\necho "  5" + 1\necho ".5" + 1\necho "+7" + 0\necho " -2x" + 0\nexit' },
  { recipe: 'echo 7 | 8\necho 7 & 3\necho 2 | 1 & 3\necho ~5\necho ~0\necho "3.7" | 0\necho 1 | 2 + 4\necho ~1 + 1\nexit' },
  { recipe: 'echo !5\necho !0\necho !""\necho !"0.0"\necho !1 || 1\necho !(1 || 1)\nexit' },
  { recipe: 'echo 1 < 2\necho 2 <= 2\necho 3 > 4\necho 3 >= 4\necho "10" == "10.0"\necho 3 != 3\nexit' },
  { recipe: 'echo "a" lt "b"\necho "b" le "a"\necho "10" lt "9"\necho "abc" eq "ABC"\necho "a" ne "b"\necho "Z" gt "a"\necho "" ge ""\nexit' },
  { recipe: 'echo "a" && "b"\necho "" && "b"\necho "0" && "b"\necho "" || "b"\necho "a" || "b"\necho "0" || "0.0"\nexit' },
  { recipe: 'echo (1 == 1) == 1\necho 5 == 5 && 6\necho 1 < 2 | 4\nexit' },
  { recipe: 'N=5\nN=$N-1\necho $N\nN=5\nN=$N+1\necho $N\necho $N*2\nexit' },
  { recipe: 'B="x" eq "x"\necho $B\nC=1 < 2\necho $C\nexit' },
  { recipe: 'echo (B=5) + 1\necho $B\nexit' },
  { recipe: 'A = (1 == 2) || "second"\necho $A\nexit' },
  // Patterns.
  { recipe: '/^X-Foo: (.)(.)(.)/\necho "$MATCH|$MATCH1|$MATCH2|$MATCH3|$MATCH4"\nexit' },
  { recipe: '/^X-Nothing: (.)/\necho "$MATCH|$MATCH1"\nexit' },
  { recipe: 'MATCH="old"\n/^Nothing/\necho "$MATCH"\nexit' },
  { recipe: 'if (/^x-foo: BAR/)\necho any case\nif (/^x-foo: BAR/:D)\necho this case\nif (/^X-Foo: bar/:D)\necho as is\nexit' },
  { recipe: 'if (/^last line$/)\necho header\nif (/^last line$/:b)\necho body\nif (/^last line$/:hb)\necho both\nif (/^X-Foo/:b)\necho wrong\nexit' },
  { recipe: '/^Subject:.*/\necho "<$MATCH>"\nexit' },
  { recipe: '/^Subject:\\s*(.*)/\necho "<$MATCH1>"\nexit', message: 'encoded' },
  { recipe: '/^From:\\s*(.*)/\necho "<$MATCH1>"\n/^To:\\s*(.*)/\necho "<$MATCH1>"\nexit', message: 'encoded' },
  { recipe: 'if (/^café/:b)\necho $MATCH\nif (/soft break here/:b)\necho soft\nexit', message: 'encoded' },
  { recipe: 'if (/^CAFÉ/:b)\necho folded\nif (/^CAFÉ/:bD)\necho not\nexit', message: 'encoded' },
  { recipe: 'if (/visible text/:b)\necho text\nif (/hidden text/:b)\necho wrong\nif (/secret word/:b)\necho html\nif (/preamble|epilogue/:b)\necho between\nexit', message: 'parts' },
  { recipe: 'if (/^X-Part: first/)\necho part\nif (/^Content-Type: text.html/)\necho html\nif (/^X-Part/:b)\necho wrong\nexit', message: 'parts' },
  { recipe: 'foreach /^Content-Type:.*/\n{\necho "$MATCH"\n}\nexit', message: 'parts' },
  { recipe: 'echo /^[A-Z]/:h,1\necho /^[A-Z]/:h,1,0.5\necho /money/:b,2,2\necho /nothing/:b,3\nexit' },
  { recipe: 'echo /^[A-Z]/:h,-1,0.5\necho /line/:hb,1.5,1\necho /^Line|^last/:b,10,0.1\nexit' },
  { recipe: 'if (/^X-Foo/:h,3 + /money/:b,2 > 4)\necho enough\nexit' },
  { recipe: 'X=(/^X-Number: (.*)/ && $MATCH1 > 40)\necho $X\nexit' },
  { recipe: 'if ("abc" =~ /b/)\necho "$MATCH"\nif ("abc" =~ /^b/)\necho wrong\nexit' },
  { recipe: 'A="a.b"\nif ("xa.b" =~ /$A/)\necho as pattern\nif ("xaxb" =~ /$A/)\necho dot\nA=escape($A)\nif ("xaxb" =~ /$A/)\necho wrong\nif ("xa.b" =~ /${A}$/)\necho escaped\nexit' },
  { recipe: 'if ("foo.bar" =~ /^(\\w+)\\.(\\w+)$/)\necho "$MATCH2 $MATCH1"\nexit' },
  { recipe: 'if ("ab/c" =~ /b\\/c/)\necho "$MATCH"\nexit' },
  { recipe: 'if ("aa bb" =~ /(.)\\1 (.)\\2/)\necho "$MATCH1$MATCH2"\nexit' },
  { recipe: 'if ("foobar" =~ /foo(?=bar)/)\necho $MATCH\nif ("foobar" =~ /foo(?!bar)/)\necho wrong\nif ("foobar" =~ /(?<=foo)bar/)\necho $MATCH\nif ("foobar" =~ /(?<!foo)bar/)\necho wrong\nexit' },
  { recipe: 'if ("aaab" =~ /(?>a+)b/)\necho $MATCH\nif ("aaab" =~ /a++ab/)\necho wrong\nif ("aaab" =~ /a+?/)\necho $MATCH\nexit' },
  { recipe: 'if ("tel 0123-456" =~ /[[:digit:]]{4}-\\d{2,3}/)\necho $MATCH\nif ("x_1" =~ /^\\w+$/)\necho word\nif ("a b" =~ /a[[:space:]]b/)\necho space\nexit' },
  { recipe: 'if ("a]b-c^d" =~ /[]]b[-]c[\\^]d/)\necho class\nif ("x" =~ /[^a-w]/)\necho not\nif ("é" =~ /^.$/)\necho one\nif ("É" =~ /é/)\necho fold\nexit' },
  { recipe: 'if ("cat dog" =~ /\\bdog\\b/)\necho b\nif ("catdog" =~ /\\bdog/)\necho wrong\nif ("a.b" =~ /\\Qa.b\\E/)\necho q\nif ("ABC" =~ /(?i)abc/:D)\necho i\nif ("ABC" =~ /abc/:D)\necho wrong\nexit' },
  { recipe: 'if ("ac" =~ /a(b)?c/)\necho "<$MATCH1>"\nif ("abab" =~ /^(ab){2}$/)\necho "<$MATCH1>"\nif ("xyz" =~ /(x|y)(y|z)/)\necho "$MATCH1$MATCH2"\nexit' },
  { recipe: 'if ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" =~ /(a+)+$/)\necho wrong\necho done\nexit' },
  { recipe: 'if ("a#b;c" =~ /a#b;c/)\necho signs\nif ("a=b" =~ /a=b/)\necho equals\nif ("a b" =~ /[ ]b/)\necho blank\nexit' },
  { recipe: 'if ("abc" =~ /a$|b/)\necho "$MATCH"\nif ("abc" =~ /^(?:abc|x)$/)\necho whole\nif ("" =~ /^$/)\necho empty\nexit' },
  { recipe: 'if ("a{x" =~ /a{x/)\necho brace\nif ("aaa" =~ /^a{2,}$/)\necho $MATCH\nif ("a,b" =~ /a,b/)\necho comma\nexit' },
  // Functions.
  { recipe: 'echo length("hello")\necho length "hi"\necho length("")\necho length("é")\nexit' },
  { recipe: 'echo substr("hello",1,2)\necho substr("hello",2)\necho substr("hello",-1)\necho substr("hello",10)\necho substr("hello",0,99)\necho substr("hello","x")\nexit' },
  { recipe: 'echo tolower("ABC dE")\necho toupper "abc É"\necho tolower "A" "B"\nexit' },
  { recipe: "X=escape(\"a.b*c{}[x]|y!$(z)'q\")\nlogfile \"log\"\necho length($X)\nexit" },
  { recipe: 'X=getaddr("To: a@b (x), \\"Q R\\" <c@d>, grp: e@f;")\necho $X\nexit' },
  { recipe: 'X=getaddr("Joe <a@b>, (c) d @ e . f, \\"x y\\"@z, <r@s>, a b c, foo@[1.2.3.4], undisclosed: ;")\necho $X\nexit' },
  { recipe: 'echo hasaddr("ALICE@example.net")\necho hasaddr("alice@example.ne")\necho hasaddr("carol@example.org")\necho hasaddr(bob@example.net)\necho hasaddr("joe@example.com")\nexit' },
  { recipe: 'echo hasaddr("jane@example.net") hasaddr("x@example.org")\nexit', message: 'encoded' },
  { recipe: 'echo hasaddr("jane@example.net")\necho hasaddr("y@example.org")\nexit', message: 'encoded' },
  { recipe: 'X=time - time\necho $X\nif (time > 1000000000)\necho now\nexit' },
  { recipe: raw`system "printf '^ab\\n# c\\n\\n  zz$\\n' > patterns"` + '\necho lookup("abc","patterns")\necho lookup("ABC","patterns")\necho lookup("ABC","patterns","D")\necho lookup("fizz","patterns")\necho lookup("c","patterns")\nexit' },
  { recipe: 'echo gdbmopen("map","N")\necho gdbmstore("k","v")\necho gdbmfetch("k")\necho gdbmfetch("q","","default")\necho "<" gdbmfetch("q") ">"\nexit' },
  { recipe: 'echo gdbmopen("map","N")\necho gdbmstore("k","v")\necho gdbmclose\nX=gdbmfetch("k")\necho "<$X>"\necho gdbmopen("map")\necho gdbmfetch("k")\necho gdbmstore("k","w")\nexit' },
  { recipe: 'gdbmopen("map","C")\ngdbmstore("user@","1")\ngdbmstore("c.tld","2")\ngdbmstore("1.2","3")\necho gdbmfetch("user@x","D")\necho gdbmfetch("z@a.b.c.tld","D")\necho gdbmfetch("a.b.c.tld","D")\necho gdbmfetch("1.2.3.4","I")\necho gdbmfetch("9","I","none")\nexit' },
  { recipe: 'echo gdbmopen("missing")\necho gdbmopen("missing","Z")\necho gdbmstore("a","b")\nexit' },
  // Commands.
  { recipe: 'echo `cat >/dev/null; echo hi; echo there`\nexit' },
  { recipe: 'X=`cat >/dev/null; printf "  a  b\\n\\n"`\necho "<$X>"\nexit' },
  { recipe: 'X=`cat >/dev/null; exit 3`\necho "$RETURNCODE <$X>"\nexit' },
  { recipe: '`cat > copy`\nto A' },
  { recipe: 'A="x; echo y"\necho `cat >/dev/null; echo $A`\nexit' },
  { recipe: 'A="value"\necho `cat >/dev/null; echo "$A"`\nsystem "echo $A in"\nexit' },
  { recipe: 'system "echo said; exit 4"\necho $RETURNCODE\nexit' },
  { recipe: 'system "cat > read"\nexit' },
  { recipe: 'xfilter "tr a-z A-Z"\nto A' },
  { recipe: 'xfilter "echo X-New: y; cat"\nif (/^X-New: y/)\nto A' },
  { recipe: 'xfilter "cat; echo more"\necho "$SIZE"\nto A' },
  { recipe: 'xfilter "cat >/dev/null; exit 1"\nto A' },
  { recipe: 'xfilter "cat; exit 3"\nto A' },
  { recipe: 'xfilter "cat >/dev/null"\nto A' },
  { recipe: 'exception {\nxfilter "cat >/dev/null; exit 9"\n}\necho "$RETURNCODE"\nto A' },
  // Traps, locks, includes.
  { recipe: 'exception {\nto "missing/box"\n}\nto A' },
  { recipe: 'exception {\nto "|cat >/dev/null; exit 3"\n}\necho "after $EXITCODE"\nexit' },
  { recipe: 'exception {\nEXITCODE=3\nexit\n}\necho after' },
  { recipe: 'exception {\nexit\n}\necho after' },
  { recipe: 'exception {\nto A\n}\necho after' },
  { recipe: 'exception {\ninclude "missing"\n}\necho after\nexit' },
  { recipe: 'exception {\nexception {\nto "missing/box"\n}\necho inner\nto "missing/box"\n}\necho outer\nexit' },
  { recipe: 'dotlock "lock" {\nsystem "ls lock"\n}\nsystem "ls"\nexit' },
  { recipe: 'flock "lock" {\nsystem "ls lock"\n}\necho done\nexit' },
  { recipe: 'dotlock "missing/lock" {\necho wrong\n}\necho wrong\nexit' },
  { recipe: 'dotlock "lock" {\nto A\n}' },
  { recipe: 'include "missing"\necho wrong' },
  { recipe: 'system "echo X=1 > other; echo echo inside >> other"\ninclude "other"\necho "$X"\nexit' },
  { recipe: 'system "echo to A > other"\ninclude "other"\necho wrong' },
  { recipe: 'system "echo exit > other"\nEXITCODE=4\ninclude "other"\necho wrong' },
  { recipe: 'system "echo if > other"\ninclude "other"\necho wrong' },
  { recipe: 'gdbmopen("map","N")\ngdbmstore("a","outer")\n' + raw`system "printf 'gdbmopen(\"two\",\"N\")\\ngdbmstore(\"a\",\"inner\")\\necho gdbmfetch(\"a\")\\n' > other"` + '\ninclude "other"\necho gdbmfetch("a")\nexit' },
  // What is no recipe.
  { recipe: 'echo "unended' },
  { recipe: 'if (1) echo x' },
  { recipe: 'if (1) { echo x; }' },
  { recipe: 'if (1)\n{\necho x\n}\n\nelse\n{\n}' },
  { recipe: 'if (1)\n{\necho x\n} else\n{\n}' },
  { recipe: 'if 1\necho x' },
  { recipe: 'if ()\necho x' },
  { recipe: '}' },
  { recipe: '{\necho x' },
  { recipe: 'echo )' },
  { recipe: 'echo a,b' },
  { recipe: 'to' },
  { recipe: 'echo' },
  { recipe: 'exit 5' },
  { recipe: 'echo 1 == 1 == 1' },
  { recipe: 'echo /x' },
  { recipe: 'if (/ x/)\necho y' },
  { recipe: 'length()' },
  { recipe: 'lookup("a")' },
  { recipe: 'substr "a",1' },
  { recipe: 'A=B=3' },
  { recipe: 'echo good\nthis is "wrong" (' },
  { recipe: 'dotlock "x"\n{\n}' },
  { recipe: 'foreach /x/ echo' },
  // Embedded.
  { embedded: true, recipe: 'exit' },
  { embedded: true, recipe: '' },
  { embedded: true, recipe: 'if (/^Subject: Hello/)\n{\necho "550 not wanted"\nEXITCODE=1\n}' },
  { embedded: true, recipe: 'EXITCODE=99\nexit' },
  { embedded: true, recipe: 'echo lookup("a", "missing")' },
  { embedded: true, recipe: 'foreach /^(To|Cc): .*/\n{\necho "$MATCH"\n}\nEXITCODE=3' },
  { embedded: true, recipe: 'to A' },
  { embedded: true, recipe: 'cc A\nexit' },
  { embedded: true, recipe: 'system "echo x"' },
  { embedded: true, recipe: 'xfilter "cat"' },
  { embedded: true, recipe: 'X=`echo x`\necho $X' },
  { embedded: true, recipe: 'logfile "log"' },
  { embedded: true, recipe: 'dotlock "l" {\n}' },
  { embedded: true, recipe: 'flock "l" {\n}' },
  { embedded: true, recipe: 'echo gdbmopen("map","C")' },
  { embedded: true, recipe: 'echo gdbmopen("map")' },
  { embedded: true, recipe: 'include "missing"' },
  { embedded: true, recipe: 'import GIVEN\necho "<$GIVEN>"' },
  { embedded: true, recipe: 'if (1) echo x' },
  // As people write them.
  { recipe: 'if (/^(To|Cc):.*alice@example\\.net/)\n{\n  cc "./A"\n  if (/^Subject:.*world/)\n    to "./B"\n}\nto "./box"' },
  { recipe: 'SPAM=0\nif (/^Subject:.*money/)\n  SPAM=$SPAM + 5\nif (/money/:b,2,1 >= 2)\n  SPAM=$SPAM + 3\nif ($SPAM > 2)\n{\n  xfilter "sed \'1i X-Spam: $SPAM\'"\n  to A\n}' },
  { recipe: 'foreach /^(To|Cc): .*/\n{\n  foreach (getaddr $MATCH) =~ /.+/\n  {\n    ADDRLIST="$ADDRLIST $MATCH"\n  }\n}\necho $ADDRLIST\nexit' },
  { recipe: 'if (/^Return-Path: <(.*)-owner@(.*)>/)\n{\n  LIST=tolower("$MATCH1")\n  if ($LIST eq "list" && "$MATCH2" ne "")\n    to A\n}', message: 'bounce' },
  { recipe: '`cat >/dev/null; mkdir -p C/tmp C/new C/cur`\nif ($RETURNCODE == 0)\n  to "C"' },
  { recipe: 'if (/^Message-ID:\\s*(.*)/)\n{\n ID=$MATCH1\n ID=escape($ID)\n if (/^Message-ID:\\s*$ID/)\n  to A\n}' },
];
