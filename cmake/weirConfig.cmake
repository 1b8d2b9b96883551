# find_package(weir CONFIG): weir::balancer, and weir::discovery where ZooKeeper's client library is; each also as
# _shared. COMPONENTS discovery makes that one a must.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/weir-balancer.cmake)
set(weir_balancer_FOUND TRUE)

find_library(weir_zookeeper_library zookeeper_mt)
find_package(fmt QUIET)
set(weir_discovery_FOUND FALSE)
if(weir_zookeeper_library AND fmt_FOUND)
  include(${CMAKE_CURRENT_LIST_DIR}/FindZooKeeper.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/weir-discovery.cmake)
  set(weir_discovery_FOUND TRUE)
endif()

foreach(component ${weir_FIND_COMPONENTS})
  if(weir_FIND_REQUIRED_${component} AND NOT weir_${component}_FOUND)
    set(weir_FOUND FALSE)
    set(weir_NOT_FOUND_MESSAGE "weir's component ${component} needs ZooKeeper's C client and fmt")
  endif()
endforeach()
