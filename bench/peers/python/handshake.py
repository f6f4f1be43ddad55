# A connection from nothing to closed. VARIANT: mem-ecdsa mem-rsa sock-ecdsa sock-rsa
import clock
import tls

where, kind = clock.variant.split("-")
clock.repeated(tls.connection(kind, where))
