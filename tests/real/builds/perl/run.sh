# SPDX-License-Identifier: GPL-2.0-or-later
cat >run.pl <<'P'
use strict; use warnings;
use File::Temp qw(tempfile); use File::Find; use IO::Socket::INET; use POSIX qw(:sys_wait_h);
my @children;
for my $n (1 .. 4) {
    my $pid = fork // die;
    if (!$pid) { open my $f, '>', "child$n" or die; print $f $n x 10; exit $n }
    push @children, $pid;
}
print join(',', map { waitpid($_, 0); $? >> 8 } @children), "\n";
my ($handle, $name) = tempfile(UNLINK => 1);
print $handle "temporary\n"; close $handle;
open my $in, '-|', 'sort', '-r', $name or die; print <$in>; close $in;
my @found; find({ wanted => sub { push @found, $_ if /^child/ }, no_chdir => 0 }, '.');
print join(' ', sort @found), "\n";
local $SIG{ALRM} = sub { print "alarm\n" };
select undef, undef, undef, 0.01; alarm 1; sleep 5;
my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;
my $client = IO::Socket::INET->new(PeerAddr => $server->sockhost, PeerPort => $server->sockport) or die;
print "connected\n";
rename 'child1', 'renamed' or die; unlink 'child2' or die; chmod 0600, 'child3'; utime 1, 2, 'child4';
print `echo backticks`; system('sh', '-c', 'exit 3'); print $? >> 8, "\n";
print -e '/etc/passwd' ? "there\n" : "missing\n";
P
perl run.pl
perl -pi.orig -e 's/4/four/g' child4
cat child4
