-- Where this library decides otherwise than x509-limbo expects, and why: { pattern of a case's name, reason,
-- whether it is accepted here }.
local webpki = "a rule for public CAs, which lint tells; private ones may do it"
local anchor = "an anchor is a name and a key, not a certificate of the path (RFC 5280 section 6.1)"
local name = "the common name is never looked at, so what is in it decides nothing"

return {
  { "^webpki::cn::", name, true },
  { "^webpki::aki::root%-", anchor, true },
  { "^rfc5280::aki::cross%-signed%-root%-missing%-aki$", anchor, true },
  { "^rfc5280::ski::root%-missing%-ski$", anchor, true },
  { "^rfc5280::root%-non%-critical%-basic%-constraints$", anchor, true },
  { "^rfc5280::nc::permitted%-dns%-match%-noncritical$", anchor, true },
  { "^webpki::eku::", webpki, true },
  { "^webpki::san::", webpki, true },
  { "^webpki::forbidden%-rsa", webpki, true },
  { "^webpki::ee%-basicconstraints%-ca$", webpki, true },
  { "^rfc5280::serial::negative$", anchor, true },
  { "^rfc5280::san::underscore%-dns$", "names of services have underscores, and they harm nobody", true },
  { "^rfc5280::nc::invalid%-dnsname%-leading%-period$", "a leading dot is what most CAs write, and it means what they mean", true },
  { "^crl::crlnumber%-missing$", "a list without a number is older than numbers, and revokes nonetheless", true },
  { "^pathlen::validation%-ignores%-pathlen%-in%-leaf$", "its key usage does not let it serve", false },
  { "^rfc5280::ca%-as%-leaf$", "its key usage does not let it serve", false },
  { "^pathlen::max%-chain%-depth%-1%-self%-issued$", "max_depth counts certificates, self-issued ones too", false },
}
