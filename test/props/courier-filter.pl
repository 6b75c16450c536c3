#!/usr/bin/perl
# A filter as Courier's manual describes one: it makes its socket, closes descriptor 3, answers one connection after
# another, and ends when its standard input does. What it answers, the Subject says.
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::UNIX;

my $home = '@HOME@';
my ($name) = $0 =~ m{([^/]+)$};
my $mode = -e "$ENV{sysconfdir}/filters/$name-mode" ? 'allfilters' : 'filters';
unlink("$home/filters/$name", "$home/allfilters/$name", "$home/$mode/.$name");
my $listener = IO::Socket::UNIX->new(Local => "$home/$mode/.$name", Listen => 10) or die "socket: $!";
rename("$home/$mode/.$name", "$home/$mode/$name") or die "rename: $!";
chmod(0660, "$home/$mode/$name");
IO::Handle->new_from_fd(3, '>')->close();
print STDERR "started in $mode\n";

my $select = IO::Select->new(\*STDIN, $listener);
while (1) {
  my @ready = $select->can_read();
  last if grep { $_ == \*STDIN } @ready;
  my $client = $listener->accept() or next;
  my @paths;
  while (my $line = <$client>) {
    chomp $line;
    last if $line eq '';
    push @paths, $line;
  }
  my ($data, @controls) = @paths;
  open(my $message, '<', $data) or die "$data: $!";
  my $text = do { local $/; <$message> };
  my $control = join('', map { open(my $f, '<', $_) or die "$_: $!"; local $/; <$f> } @controls);
  my ($subject) = $text =~ /^Subject: (.*)$/m;
  exit 3 if $subject eq 'die';
  sleep 4 if $subject eq 'sleep';
  print $client $subject eq 'no' ? "550-First line\n550 5.7.1 Second line\n"
    : $subject eq 'later' ? "451 Come again\n"
    : $subject eq 'odd' ? "571 Not authorized\n"
    : $subject eq 'nonsense' ? "hello\n"
    : $subject eq 'records' ? join('', map { "550-$_\n" } sort split(/\n/, $control)) . "550 " . (length $text) . ($text =~ /\r/ ? ' with CR' : '') . "\n"
    : "200 Ok\n";
  close($client);
}
print STDERR "ended in order\n";
