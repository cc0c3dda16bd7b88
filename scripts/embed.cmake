# Writes files as data into one C++ source.
#   cmake -DOUT=x.cpp -DFILES=a.yaml;b.yaml -P embed.cmake      profiles, by their names
#   cmake -DOUT=x.cpp -DOPENAPI=openapi.json -P embed.cmake     the description of the admin API
if(OPENAPI)
  file(READ ${OPENAPI} body)
  # Line breaks and indentation are for those who write it; compilers need not take longer texts than 64 KiB.
  string(REGEX REPLACE "\n *" "" body "${body}")
  string(CONCAT text "// Generated from gateway/admin/openapi.json.\n#include \"admin/openapi.hpp\"\n\n"
    "std::string_view keygate::admin::openapi_document() {\n"
    "    return R\"~~json~~(${body})~~json~~\";\n}\n")
else()
  set(text "// Generated from config/profiles/*.yaml.\n#include \"config/shipped_profiles.hpp\"\n\n")
  string(APPEND text "namespace keygate::config {\n\nconst std::vector<ShippedProfile>& shipped_profiles() {\n")
  string(APPEND text "    static const std::vector<ShippedProfile> all{\n")
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} body)
    string(APPEND text "        {\"${name}\", R\"~~yaml~~(${body})~~yaml~~\"},\n")
  endforeach()
  string(APPEND text "    };\n    return all;\n}\n\n} // namespace keygate::config\n")
endif()
file(WRITE ${OUT} "${text}")
