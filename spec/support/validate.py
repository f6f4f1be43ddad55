# Validates the JSON on standard input by a schema: python3 validate.py SCHEMA. One line for each fault; exit code 1.
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
faults = sorted(jsonschema.Draft7Validator(schema).iter_errors(json.load(sys.stdin)), key=lambda fault: list(fault.path))
for fault in faults:
    print("/".join(map(str, fault.absolute_path)) + ": " + fault.message[:300])
sys.exit(1 if faults else 0)
