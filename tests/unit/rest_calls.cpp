// What takes long to compile, once for all unit tests.
#define TEST_REST_CALL
#include <unit/rest_calls.hpp>
