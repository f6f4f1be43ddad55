"""What python's cryptography says of certificates: `facts DIR` reads every .der file of a directory, `make DIR`
makes some of its own there first. One JSON object on standard output: { file: facts }."""
import datetime
import hashlib
import ipaddress
import json
import os
import sys

os.environ.pop("OPENSSL_MODULES", None)  # of the OpenSSL that is tested, not of this one

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

USAGES = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
          "key_cert_sign", "crl_sign"]
KINDS = {x509.DNSName: "dns", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri",
         x509.IPAddress: "ip", x509.DirectoryName: "dir", x509.RegisteredID: "rid", x509.OtherName: "other"}


def general(name):
    kind = KINDS[type(name)]
    if kind == "dir":
        return [kind, name.value.rfc4514_string()]
    if kind == "rid":
        return [kind, name.value.dotted_string]
    if kind == "other":
        return [kind, name.type_id.dotted_string + " " + name.value.hex()]
    return [kind, str(name.value)]


def instant(cert, which):
    aware = getattr(cert, which + "_utc", None)
    value = aware if aware is not None else getattr(cert, which).replace(tzinfo=datetime.timezone.utc)
    return int(value.timestamp())


def even(number):
    text = "%x" % number
    return text if len(text) % 2 == 0 else "0" + text


def extension_facts(cert):
    facts = {"critical": sorted(e.oid.dotted_string for e in cert.extensions if e.critical),
             "oids": [e.oid.dotted_string for e in cert.extensions]}
    for e in cert.extensions:
        v = e.value
        if isinstance(v, x509.SubjectAlternativeName):
            facts["names"] = [general(n) for n in v]
        elif isinstance(v, x509.BasicConstraints):
            facts["ca"], facts["path_length"] = v.ca, v.path_length
        elif isinstance(v, x509.KeyUsage):
            facts["usage"] = sorted(u for u in USAGES if getattr(v, u))
        elif isinstance(v, x509.ExtendedKeyUsage):
            facts["purposes"] = sorted(o.dotted_string for o in v)
        elif isinstance(v, x509.SubjectKeyIdentifier):
            facts["subject_key_id"] = v.digest.hex()
        elif isinstance(v, x509.AuthorityKeyIdentifier):
            facts["authority_key_id"] = v.key_identifier.hex() if v.key_identifier else None
        elif isinstance(v, x509.AuthorityInformationAccess):
            facts["access"] = [[d.access_method.dotted_string] + general(d.access_location) for d in v]
        elif isinstance(v, x509.CRLDistributionPoints):
            facts["crl_urls"] = [n.value for p in v for n in (p.full_name or [])
                                 if isinstance(n, x509.UniformResourceIdentifier)]
        elif isinstance(v, x509.CertificatePolicies):
            facts["policies"] = [p.policy_identifier.dotted_string for p in v]
        elif isinstance(v, x509.NameConstraints):
            facts["permitted"] = [general(n) for n in v.permitted_subtrees or []]
            facts["excluded"] = [general(n) for n in v.excluded_subtrees or []]
        elif isinstance(v, x509.TLSFeature):
            facts["features"] = [f.value for f in v]
        elif isinstance(v, x509.PolicyConstraints):
            facts["policy_constraints"] = [v.require_explicit_policy, v.inhibit_policy_mapping]
        elif isinstance(v, x509.InhibitAnyPolicy):
            facts["inhibit_any_policy"] = v.skip_certs
    return facts


def attributes(name):
    """A set has no order: by identifier."""
    return [[a.oid.dotted_string, a.value] for rdn in name.rdns for a in sorted(rdn, key=lambda a: a.oid.dotted_string)]


def facts_of(der):
    cert = x509.load_der_x509_certificate(der)
    spki = cert.public_key().public_bytes(serialization.Encoding.DER,
                                          serialization.PublicFormat.SubjectPublicKeyInfo)
    facts = {"serial": even(cert.serial_number), "not_before": instant(cert, "not_valid_before"),
             "not_after": instant(cert, "not_valid_after"), "version": cert.version.value + 1,
             "subject": attributes(cert.subject), "issuer": attributes(cert.issuer),
             "fingerprint": cert.fingerprint(hashes.SHA256()).hex(), "spki": hashlib.sha256(spki).hexdigest()}
    facts.update(extension_facts(cert))
    return facts


def write(directory, name, cert):
    with open(os.path.join(directory, name + ".der"), "wb") as handle:
        handle.write(cert.public_bytes(serialization.Encoding.DER))


def builder(name, key, issuer=None, days=30):
    start = datetime.datetime(2026, 1, 1)
    return (x509.CertificateBuilder().subject_name(name).issuer_name(issuer or name).public_key(key.public_key())
            .serial_number(0x7f00000000000000000000000000000000000001).not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=days)))


def make(directory):
    key, other = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "PT"), x509.NameAttribute(NameOID.COMMON_NAME, "çé ü")])
    write(directory, "theirs_plain", builder(name, key).sign(key, hashes.SHA256()))
    write(directory, "theirs_ed25519", builder(name, ed := ed25519.Ed25519PrivateKey.generate()).sign(ed, None))
    write(directory, "theirs_empty", builder(x509.Name([]), key, name).sign(key, hashes.SHA384()))
    write(directory, "theirs_late", builder(name, key, days=9000).sign(key, hashes.SHA256()))
    several = x509.Name([x509.RelativeDistinguishedName([
        x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b")]),
        x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.example")])])
    write(directory, "theirs_several", builder(several, other).sign(other, hashes.SHA256()))
    names = [x509.DNSName("a.example"), x509.DNSName("*.b.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
             x509.IPAddress(ipaddress.ip_address("2001:db8::1")), x509.RFC822Name("a@b.example"),
             x509.UniformResourceIdentifier("https://c.example/x"), x509.DirectoryName(name),
             x509.RegisteredID(ObjectIdentifier("1.2.3.4")),
             x509.OtherName(ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x05admin")]
    everything = (builder(name, key).add_extension(x509.SubjectAlternativeName(names), True)
                  .add_extension(x509.BasicConstraints(True, 3), True)
                  .add_extension(x509.KeyUsage(True, True, False, False, True, True, True, True, False), True)
                  .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                        ObjectIdentifier("1.3.6.1.4.1.99999.1")]), False)
                  .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
                  .add_extension(x509.AuthorityKeyIdentifier(b"\x01\x02", [x509.DirectoryName(name)], 5), False)
                  .add_extension(x509.AuthorityInformationAccess([
                      x509.AccessDescription(AuthorityInformationAccessOID.OCSP,
                                             x509.UniformResourceIdentifier("http://o.example/")),
                      x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS,
                                             x509.UniformResourceIdentifier("http://i.example/"))]), False)
                  .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint(
                      [x509.UniformResourceIdentifier("http://c.example/a.crl")], None,
                      frozenset([x509.ReasonFlags.key_compromise]), None)]), False)
                  .add_extension(x509.CertificatePolicies([
                      x509.PolicyInformation(ObjectIdentifier("1.2.3.4"), ["http://cps.example/"]),
                      x509.PolicyInformation(ObjectIdentifier("2.5.29.32.0"), None)]), False)
                  .add_extension(x509.NameConstraints(
                      [x509.DNSName("example"), x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))],
                      [x509.RFC822Name("b.example"), x509.IPAddress(ipaddress.ip_network("2001:db8::/32"))]), True)
                  .add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)
                  .add_extension(x509.PolicyConstraints(2, 0), True)
                  .add_extension(x509.InhibitAnyPolicy(4), True)
                  .add_extension(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), False))
    write(directory, "theirs_everything", everything.sign(key, hashes.SHA512()))


def main():
    mode, directory = sys.argv[1:3]
    if mode == "make":
        make(directory)
    result = {}
    for file in sorted(os.listdir(directory)):
        if file.endswith(".der"):
            with open(os.path.join(directory, file), "rb") as handle:
                result[file] = facts_of(handle.read())
    json.dump(result, sys.stdout)


main()
