# Writes a file into a C array: cmake -DINPUT=F -DOUTPUT=F.c -DHEADER=x.h -DNAME=n -P embed.cmake
# gives `const uint8_t n_text[]` and `const size_t n_bytes`.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" hex "${hex}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nconst uint8_t ${NAME}_text[] = {\n${hex}};\nconst size_t ${NAME}_bytes = ${bytes};\n")
