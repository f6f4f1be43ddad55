import platform
import ssl

assert ssl
print("Python", platform.python_version())
