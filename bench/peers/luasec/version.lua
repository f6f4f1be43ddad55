print("LuaSec " .. require("ssl")._VERSION)
