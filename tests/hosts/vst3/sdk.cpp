// The parts of Steinberg's VST3 SDK that the tests need, as one unit: so they are compiled in seconds, and which they
// are is told in one place. Nothing of the SDK lies here; -I says where it is.

#include "base/source/baseiids.cpp"
#include "base/source/fbuffer.cpp"
#include "base/source/fdebug.cpp"
#include "base/source/fobject.cpp"
#include "base/source/fstreamer.cpp"
#include "base/source/fstring.cpp"
#include "base/source/updatehandler.cpp"
#include "base/thread/source/flock.cpp"
#include "pluginterfaces/base/conststringtable.cpp"
#include "pluginterfaces/base/coreiids.cpp"
#include "pluginterfaces/base/funknown.cpp"
#include "pluginterfaces/base/ustring.cpp"
#include "public.sdk/source/common/commoniids.cpp"
#include "public.sdk/source/common/commonstringconvert.cpp"
#include "public.sdk/source/common/memorystream.cpp"
#include "public.sdk/source/common/threadchecker_linux.cpp"
#include "public.sdk/source/vst/hosting/connectionproxy.cpp"
#include "public.sdk/source/vst/hosting/eventlist.cpp"
#include "public.sdk/source/vst/hosting/hostclasses.cpp"
#include "public.sdk/source/vst/hosting/module.cpp"
#include "public.sdk/source/vst/hosting/module_linux.cpp"
#include "public.sdk/source/vst/hosting/parameterchanges.cpp"
#include "public.sdk/source/vst/hosting/pluginterfacesupport.cpp"
#include "public.sdk/source/vst/hosting/plugprovider.cpp"
#include "public.sdk/source/vst/hosting/processdata.cpp"
#include "public.sdk/source/vst/utility/stringconvert.cpp"
#include "public.sdk/source/vst/vstinitiids.cpp"
#include "public.sdk/source/vst/vstpresetfile.cpp"

#include "pluginterfaces/test/itest.h"

// The SDK leaves these to whoever runs the tests.
namespace Steinberg {
DEF_CLASS_IID(ITest)
DEF_CLASS_IID(ITestResult)
} // namespace Steinberg
