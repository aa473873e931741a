/* The BLAS libraries' functions come here. */
