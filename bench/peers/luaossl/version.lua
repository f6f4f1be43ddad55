require "cqueues"
require "openssl.ssl"
print "luaossl with cqueues"
