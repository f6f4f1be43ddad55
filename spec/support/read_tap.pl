# Reads the TAP on standard input as Perl's harness does, and says what it understood.
use strict;
use warnings;
use TAP::Parser;

my $tap = do { local $/; <STDIN> };
my $parser = TAP::Parser->new({ tap => $tap });
while (my $result = $parser->next) {
  print "unknown: ", $result->as_string, "\n" if $result->is_unknown;
  print "bailed out: ", $result->explanation, "\n" if $result->is_bailout;
}
print "version ", $parser->version, "\n";
print "planned ", $parser->tests_planned, ", run ", $parser->tests_run, "\n";
print "passed ", join(" ", $parser->passed), "; failed ", join(" ", $parser->failed), "\n";
print "skipped ", scalar($parser->skipped), ", todo ", scalar($parser->todo), "\n";
print "error: $_\n" for $parser->parse_errors;
